import { describe, expect, it } from 'vitest';

import { buildArgv, hasLineValue, missingParts, promptText } from '@sallyport/core/engine';
import { matchText } from '@sallyport/core/provider';
import { lockfile, lockfileText } from './lockfile.ts';
import { manifest } from './manifest.ts';

describe('the lockfile', () => {
  it('pins every package of the CLI by hash and names no registry', () => {
    const { '': root, ...packages } = lockfile.packages;
    expect(root.dependencies).toEqual({ [manifest.cli.package]: manifest.cli.version });
    for (const entry of Object.values(packages)) expect(entry.integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    expect(lockfileText).not.toMatch(/resolved|https?:/);
  });

  it('has the package in which each platform finds its executable', () => {
    for (const path of Object.values(manifest.cli.bin).flat()) {
      expect(Object.keys(lockfile.packages)).toContain(path.slice(0, path.lastIndexOf('/')));
    }
  });
});

describe('the command lines', () => {
  it('keep a prompt that begins like a command from being run as one', () => {
    expect(promptText(manifest.prompt, '/login does not work on my page')).toBe(' /login does not work on my page');
    expect(promptText(manifest.prompt, '!ls')).toBe('!ls');
  });

  it('take the prompt as a message, ask for pieces of text, and go on with a conversation by its id', () => {
    const headless =
      '-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages --setting-sources user --strict-mcp-config';
    expect(buildArgv(manifest.prompt, { tools: 'workspace' }).join(' ')).toBe(
      `${headless} --permission-mode acceptEdits`,
    );
    expect(buildArgv(manifest.prompt, { tools: 'full', model: 'm', session: 's' }).join(' ')).toBe(
      `${headless} --dangerously-skip-permissions --model m --resume s`,
    );
  });

  it('let a process stay for its conversation, unless the line that ends the answer or a tool in it says otherwise', () => {
    const { prompt } = manifest;
    if (prompt.drive !== 'json-lines') throw new Error('Claude Code takes messages.');
    expect(hasLineValue(prompt.over, { type: 'result', is_error: false })).toBe(true);
    expect(hasLineValue(prompt.over, { type: 'assistant', message: { content: [{ type: 'result' }] } })).toBe(false);
    const { ends = [] } = prompt.resident ?? {};
    expect(hasLineValue(ends, { type: 'result', is_error: true })).toBe(true);
    expect(hasLineValue(ends, { type: 'result', is_error: false })).toBe(false);
    const using = (name: string) => ({
      message: {
        content: [
          { type: 'text', text: 'so' },
          { type: 'tool_use', name },
        ],
      },
    });
    expect(['Read', 'Bash', 'CronCreate', 'Monitor'].map((name) => hasLineValue(ends, using(name)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(hasLineValue(ends, { type: 'system', subtype: 'background_tasks_changed', tasks: [] })).toBe(true);
  });

  it('leave the choice of settings to the CLI where a prompt may use those of a project', () => {
    for (const session of [undefined, 's']) {
      const [ignoring, using] = (['ignore', 'use'] as const).map((projectSettings) =>
        buildArgv(manifest.prompt, { tools: 'workspace', session, projectSettings }),
      );
      const own = ['--setting-sources', 'user', '--strict-mcp-config'];
      expect(ignoring).toEqual(expect.arrayContaining(own));
      expect(using).toEqual(ignoring?.filter((argument) => !own.includes(argument)));
    }
  });
});

describe('the credential', () => {
  const item = manifest.credentials.find(({ id }) => id === 'token');
  const screen = (token: string): string => `Your OAuth token (valid for 1 year):\n\n ${token}\n\n Store this token`;

  it('is found on the screen of setup-token', () => {
    const from = item?.as === 'environment' && item.from !== 'user' ? item.from : { text: 'none' };
    expect(matchText(from, screen('sk-ant-oat01-FAKE-15_0f9b'))).toBe('sk-ant-oat01-FAKE-15_0f9b');
    expect(matchText(from, 'export CLAUDE_CODE_OAUTH_TOKEN=<token>')).toBeUndefined();
  });

  it('may be that token alone, with the settings file the CLI writes beside it', () => {
    const files = { token: 'sk-ant-oat01-FAKE-15_0f9b', settings: '{}' };
    expect(missingParts(manifest.credentials, files)).toEqual([]);
    expect(missingParts(manifest.credentials, { ...files, auth: '{}' })).toEqual([
      { item: 'auth', problem: 'missing /claudeAiOauth/accessToken' },
    ]);
    expect(missingParts(manifest.credentials, { settings: '{}' })).toEqual([{ item: 'auth', problem: 'absent' }]);
  });
});

describe('the code to paste', () => {
  const prompts = manifest.logins.flatMap(({ drive }) =>
    drive.steps.flatMap((step) => (step.do.kind === 'ask' ? [step.do.prompt] : [])),
  );

  it('is taken with the state behind the #, without which the CLI would wait for ever', () => {
    expect(prompts.map(({ id }) => id)).toEqual(['code', 'code', 'code']);
    for (const { shape } of prompts) {
      const taken = (code: string): boolean => shape !== undefined && matchText(shape, code) !== undefined;
      expect(['aB3-_x#St4te', 'code#state'].filter(taken)).toHaveLength(2);
      expect(['aB3-_x', 'aB3-_x#', '#St4te', 'a#b#c', 'a b#c'].filter(taken)).toEqual([]);
    }
  });
});

describe('the rules of the logins', () => {
  const rules = manifest.logins.find(({ id }) => id === 'browser')?.failure ?? [];

  it.each([
    ['No authorization code received', 'LOGIN_DENIED'],
    ['Invalid state parameter', 'LOGIN_FAILED'],
    ["Couldn't log in: Request failed with status code 400", 'LOGIN_FAILED'],
    ['Unable to connect to Anthropic services', 'LOGIN_FAILED'],
  ])('take %j for %s', (text, code) => {
    expect(rules.find((rule) => matchText(rule.when, text) !== undefined)?.code).toBe(code);
  });
});
