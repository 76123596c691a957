import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { watchPaths } from './watch-paths.ts';

describe('a watch of paths', () => {
  let root: string;
  let file: string;
  let over: AbortController;
  let rings: number;
  let fenceDirectory: string;
  let fenceWatcher: FSWatcher;
  let fences = 0;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'watch-paths-'));
    file = join(root, '.cli', 'keys', 'auth.json');
    over = new AbortController();
    rings = 0;
    fenceDirectory = mkdtempSync(join(tmpdir(), 'watch-fence-'));
    fenceWatcher = watch(fenceDirectory);
  });

  afterEach(() => {
    over.abort();
    fenceWatcher.close();
    rmSync(fenceDirectory, { recursive: true, force: true });
    rmSync(root, { recursive: true, force: true });
  });

  function begin(): void {
    watchPaths({ root, paths: [file, join(root, '.cli.json')], onChange: () => (rings += 1), signal: over.signal });
  }

  /** How often it rang because of what is done, after all of its events have come. */
  async function ringsAfter(change: () => void): Promise<number> {
    await eventsDelivered();
    rings = 0;
    change();
    await eventsDelivered();
    return rings;
  }

  /**
   * Makes a file elsewhere and waits for the event of it. All watchers of a process share one inotify queue, which
   * keeps its order (inotify(7)), so whatever happened before has been told by then.
   */
  async function eventsDelivered(): Promise<void> {
    const fence = `fence-${++fences}`;
    const seen = new Promise<void>((resolve) => {
      fenceWatcher.on('change', (_event, name) => {
        if (String(name) === fence) resolve();
      });
    });
    writeFileSync(join(fenceDirectory, fence), '');
    await seen;
  }

  const makeDirectories = (): unknown => mkdirSync(join(root, '.cli', 'keys'), { recursive: true });

  it('sees a file that is made in a directory that exists', async () => {
    makeDirectories();
    begin();
    expect(await ringsAfter(() => writeFileSync(file, 'one'))).toBeGreaterThan(0);
    expect(await ringsAfter(() => writeFileSync(join(root, '.cli.json'), 'two'))).toBeGreaterThan(0);
  });

  it('sees a file that is made together with its directories, and what happens to it later', async () => {
    begin();
    const change = (): void => {
      makeDirectories();
      writeFileSync(file, 'one');
    };
    expect(await ringsAfter(change)).toBeGreaterThan(0);
    expect(await ringsAfter(() => appendFileSync(file, 'more'))).toBeGreaterThan(0);
  });

  it('sees each replacement by rename, each write in place, and the removal', async () => {
    makeDirectories();
    writeFileSync(file, 'one');
    begin();
    for (const text of ['two', 'three']) {
      const replace = (): void => {
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
      };
      expect(await ringsAfter(replace)).toBeGreaterThan(0);
    }
    expect(await ringsAfter(() => writeFileSync(file, 'four'))).toBeGreaterThan(0);
    expect(await ringsAfter(() => rmSync(file))).toBeGreaterThan(0);
  });

  it('follows a directory that is moved away and made again', async () => {
    makeDirectories();
    writeFileSync(file, 'one');
    begin();
    const replace = (): void => {
      renameSync(join(root, '.cli'), join(root, 'old'));
      makeDirectories();
    };
    expect(await ringsAfter(replace)).toBeGreaterThan(0);
    expect(await ringsAfter(() => writeFileSync(file, 'two'))).toBeGreaterThan(0);
    expect(await ringsAfter(() => writeFileSync(join(root, 'old', 'keys', 'auth.json'), 'three'))).toBe(0);
  });

  it('does not ring for what lies beside the files', async () => {
    makeDirectories();
    begin();
    const change = (): void => {
      for (let turn = 0; turn < 20; turn += 1) {
        writeFileSync(join(root, '.cli', 'state.sqlite-wal'), 'x');
        rmSync(join(root, '.cli', 'state.sqlite-wal'));
      }
      mkdirSync(join(root, 'work'));
    };
    expect(await ringsAfter(change)).toBe(0);
  });

  it('is silent after its end', async () => {
    makeDirectories();
    begin();
    over.abort();
    expect(await ringsAfter(() => writeFileSync(file, 'one'))).toBe(0);
  });
});
