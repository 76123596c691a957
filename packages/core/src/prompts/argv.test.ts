import { describe, expect, it } from 'vitest';

import type { HeadlessPrompt } from '../provider/headless-prompt.ts';
import { headlessPromptSchema } from '../provider/headless-prompt.ts';
import { buildArgv } from './argv.ts';

const prompt: HeadlessPrompt = {
  drive: 'lines',
  argv: ['exec', { slot: 'tools' }, { slot: 'model', flag: '-m' }, '-'],
  resumeArgv: ['exec', 'resume', { slot: 'tools' }, { slot: 'session' }, '-'],
  input: 'stdin',
  tools: { 'read-only': ['-s', 'read-only'], workspace: [], full: ['--yolo'] },
  reloginNeeded: [],
};

describe('buildArgv', () => {
  it('puts the flags of the tool policy where the slot is', () => {
    expect(buildArgv(prompt, { tools: 'read-only' })).toEqual(['exec', '-s', 'read-only', '-']);
    expect(buildArgv(prompt, { tools: 'workspace' })).toEqual(['exec', '-']);
    expect(buildArgv(prompt, { tools: 'full' })).toEqual(['exec', '--yolo', '-']);
  });

  it('puts the flag before the value, and neither when there is no value', () => {
    expect(buildArgv(prompt, { tools: 'workspace', model: 'gpt-9' })).toEqual(['exec', '-m', 'gpt-9', '-']);
  });

  it('uses the resume command line when a conversation goes on', () => {
    expect(buildArgv(prompt, { tools: 'full', session: 'abc' })).toEqual(['exec', 'resume', '--yolo', 'abc', '-']);
  });

  it('refuses a conversation where the CLI has no way to resume', () => {
    const { resumeArgv: _, ...once } = prompt;
    expect(() => buildArgv(once, { tools: 'full', session: 'abc' })).toThrow(/cannot go on/);
  });

  it.each(['--last', '-', '', 'a\0b', 'x'.repeat(501)])('refuses %j as a value', (value) => {
    expect(() => buildArgv(prompt, { tools: 'full', session: value })).toThrow(/conversationId/);
    expect(() => buildArgv(prompt, { tools: 'full', model: value })).toThrow(/model/);
  });
});

describe('the schema of a headless prompt', () => {
  it('refuses a command line in which the flags of the tool policy have no place', () => {
    const bad = headlessPromptSchema.safeParse({ ...prompt, resumeArgv: ['exec', { slot: 'session' }] });
    expect(bad.error?.issues[0]).toMatchObject({ path: ['resumeArgv'] });
    expect(headlessPromptSchema.safeParse(prompt).success).toBe(true);
  });

  it('accepts one without a place where no policy has flags', () => {
    const tools = { 'read-only': [], workspace: [], full: [] };
    const bare = { ...prompt, argv: ['run'], resumeArgv: undefined, tools };
    expect(headlessPromptSchema.safeParse(bare).success).toBe(true);
  });
});
