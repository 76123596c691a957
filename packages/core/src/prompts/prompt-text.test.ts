import { describe, expect, it } from 'vitest';

import { headlessPromptSchema } from '../provider/headless-prompt.ts';
import type { HeadlessPrompt } from '../provider/headless-prompt.ts';
import { promptText } from './prompt-text.ts';

const prompt: HeadlessPrompt = {
  drive: 'lines',
  argv: ['run'],
  input: 'stdin',
  tools: { 'read-only': [], workspace: [], full: [] },
  reloginNeeded: [],
  commandEscape: { beginnings: ['/', 'run:'], prefix: ' ' },
};

describe('promptText', () => {
  it.each(['/login does not work', '/', '/clear\nthe table', 'run: this'])('puts the prefix before %j', (text) => {
    expect(promptText(prompt, text)).toBe(` ${text}`);
  });

  it.each(['what does /login do?', ' /exit', '\n/exit', 'rerun: this', '!ls', ''])('leaves %j as it is', (text) => {
    expect(promptText(prompt, text)).toBe(text);
  });

  it('leaves every prompt as it is where the CLI takes none for a command', () => {
    const { commandEscape: _, ...plain } = prompt;
    expect(promptText(plain, '/exit')).toBe('/exit');
  });
});

describe('the schema of a command escape', () => {
  it.each([
    { beginnings: ['/'], prefix: '/' },
    { beginnings: ['//', ' /'], prefix: ' ' },
    { beginnings: [], prefix: ' ' },
    { beginnings: [''], prefix: ' ' },
    { beginnings: ['/'], prefix: '' },
  ])('refuses %j, which would not make text of it', (commandEscape) => {
    expect(headlessPromptSchema.safeParse({ ...prompt, commandEscape }).success).toBe(false);
  });

  it('is there for CLIs that speak JSON-RPC too', () => {
    const tools = { 'read-only': 1, workspace: 2, full: 3 };
    const params = { text: { slot: 'prompt' }, mode: { slot: 'tools' } };
    const steps = [{ id: 'say', do: { kind: 'request', method: 'say', params } }];
    const over = [{ when: { pattern: '^done$' } }];
    const rpc = { drive: 'json-rpc', argv: ['serve'], steps, over, tools, reloginNeeded: [] };
    const { commandEscape } = prompt;
    expect(headlessPromptSchema.parse({ ...rpc, commandEscape })).toMatchObject({ commandEscape });
  });
});
