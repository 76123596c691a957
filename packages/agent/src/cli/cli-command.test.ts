import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cliCommand } from './cli-command.ts';

const platform = `${process.platform}-${process.arch}`;
const launch = (paths: string | string[]) => ({ bin: { [platform]: paths }, env: {}, settings: [], hiddenInWork: [] });

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sp-cli-command-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(path: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  return file;
}

describe('a CLI’s command', () => {
  it('is its executable', () => {
    const file = install('node_modules/c/bin/codex');
    expect(cliCommand({ codex: folder }, 'codex', launch('node_modules/c/bin/codex'), ['login'])).toEqual({
      file,
      argv: ['login'],
    });
  });

  it('is run by the agent’s own Node where it is JavaScript, since there may be no other', () => {
    const file = install('node_modules/g/bundle/g.js');
    expect(cliCommand({ g: folder }, 'g', launch('node_modules/g/bundle/g.js'), ['-o', 'json'])).toEqual({
      file: process.execPath,
      argv: [file, '-o', 'json'],
    });
  });

  it('is the first program that this release has, run as that one needs it', () => {
    const paths = ['node_modules/c/new/c', 'node_modules/c/old/c.js', 'node_modules/c/oldest/c'];
    install('node_modules/c/oldest/c');
    const file = install('node_modules/c/old/c.js');
    expect(cliCommand({ c: folder }, 'c', launch(paths), [])).toEqual({ file: process.execPath, argv: [file] });
  });

  it('is refused with every path that was looked at where the release has none of them', () => {
    const paths = ['node_modules/c/new/c', 'node_modules/c/old/c'];
    expect(() => cliCommand({ c: folder }, 'c', launch(paths), [])).toThrow(
      'The CLI of c on this machine has no node_modules/c/new/c and no node_modules/c/old/c.',
    );
  });

  it('is refused where the machine has no such CLI, or none for its platform', () => {
    const codes = [
      () => cliCommand({}, 'toString', launch('node_modules/x'), []),
      () => cliCommand({ x: '/clis/x' }, 'x', { ...launch(''), bin: {} }, []),
    ].map((attempt) => {
      try {
        attempt();
        return 'no error';
      } catch (error) {
        return error instanceof Error && 'code' in error ? error.code : error;
      }
    });
    expect(codes).toEqual(['PROVIDER_CLI_MISSING', 'PROVIDER_CLI_MISSING']);
  });
});
