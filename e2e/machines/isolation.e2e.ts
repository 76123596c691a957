import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { cliMachineImages } from '../support/images.ts';
import { asTable, wrongRows } from '../support/probes.ts';
import type { Row } from '../support/probes.ts';

const run = promisify(execFile);

describe('a guest whose owner is root in it', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
    await cliMachineImages();
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('reaches its egress proxy alone from the network that needs no privilege, and all of it without restrict=on', async () => {
    for (const name of ['restricted', 'open']) await mkdir(join(folder, name));
    const program = join(import.meta.dirname, 'isolation-world.ts');
    const node = [process.execPath, '--conditions=@sallyport/source', program, folder];
    const { stdout } = await run('unshare', ['--user', '--map-root-user', '--net', '--mount', ...node], {
      timeout: 600_000,
    });
    const rows: readonly Row[] = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    console.log(asTable(rows));
    expect(wrongRows(rows)).toEqual([]);
  }, 620_000);
});
