import { describe, expect, it } from 'vitest';

import { cliCommand } from './cli-command.ts';

const platform = `${process.platform}-${process.arch}`;
const launch = (path: string) => ({ bin: { [platform]: path }, env: {}, settings: [], hiddenInWork: [] });

describe('a CLI’s command', () => {
  it('is its executable', () => {
    expect(cliCommand({ codex: '/clis/codex' }, 'codex', launch('node_modules/c/bin/codex'), ['login'])).toEqual({
      file: '/clis/codex/node_modules/c/bin/codex',
      argv: ['login'],
    });
  });

  it('is run by the agent’s own Node where it is JavaScript, since there may be no other', () => {
    expect(cliCommand({ g: '/clis/g' }, 'g', launch('node_modules/g/bundle/g.js'), ['-o', 'json'])).toEqual({
      file: process.execPath,
      argv: ['/clis/g/node_modules/g/bundle/g.js', '-o', 'json'],
    });
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
