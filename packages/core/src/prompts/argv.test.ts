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

  it('has the CLI ignore the settings of a project unless the prompt may use them', () => {
    const choosing: HeadlessPrompt = {
      ...prompt,
      argv: ['exec', { slot: 'projectSettings' }, { slot: 'tools' }, '-'],
      projectSettings: { ignore: ['--own'], use: ['--all'] },
    };
    expect(buildArgv(choosing, { tools: 'workspace' })).toEqual(['exec', '--own', '-']);
    expect(buildArgv(choosing, { tools: 'workspace', projectSettings: 'ignore' })).toEqual(['exec', '--own', '-']);
    expect(buildArgv(choosing, { tools: 'workspace', projectSettings: 'use' })).toEqual(['exec', '--all', '-']);
  });

  it('has one that speaks JSON-RPC do so, too', () => {
    const speaking: HeadlessPrompt = {
      drive: 'json-rpc',
      argv: ['serve', { slot: 'projectSettings' }],
      steps: [{ id: 'ask', do: { kind: 'notify', method: 'ask', params: { text: { slot: 'prompt' } } } }],
      tools: { 'read-only': null, workspace: null, full: null },
      projectSettings: { ignore: ['--own'], use: [] },
      over: [{ when: { text: 'over' } }],
      reloginNeeded: [],
    };
    expect(buildArgv(speaking, { tools: 'workspace' })).toEqual(['serve', '--own']);
    expect(buildArgv(speaking, { tools: 'workspace', projectSettings: 'use' })).toEqual(['serve']);
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

  it('refuses one in which the flags that keep a CLI from the settings of a project have no place', () => {
    const projectSettings = { ignore: ['--own'], use: [] };
    const bad = headlessPromptSchema.safeParse({ ...prompt, projectSettings });
    expect(bad.error?.issues).toMatchObject([
      { path: ['argv'], message: "must contain { slot: 'projectSettings' } exactly once" },
      { path: ['resumeArgv'] },
    ]);
    const place = { slot: 'projectSettings' };
    const placed = { ...prompt, argv: [...prompt.argv, place], resumeArgv: ['resume', place, { slot: 'tools' }] };
    expect(headlessPromptSchema.safeParse({ ...placed, projectSettings }).success).toBe(true);
    // Where only hidden paths make the difference, there are no flags to place.
    expect(headlessPromptSchema.safeParse({ ...prompt, projectSettings: { ignore: [], use: [] } }).success).toBe(true);
    const speaking = {
      drive: 'json-rpc',
      argv: ['serve'],
      steps: [
        { id: 'ask', do: { kind: 'notify', method: 'ask', params: { a: { slot: 'prompt' }, b: { slot: 'tools' } } } },
      ],
      tools: { 'read-only': 'r', workspace: 'w', full: 'f' },
      over: [{ when: { text: 'over' } }],
      reloginNeeded: [],
    };
    expect(headlessPromptSchema.safeParse(speaking).error).toBeUndefined();
    expect(headlessPromptSchema.safeParse({ ...speaking, projectSettings }).error?.issues).toMatchObject([
      { path: ['argv'] },
    ]);
  });

  it('accepts one without a place where no policy has flags', () => {
    const tools = { 'read-only': [], workspace: [], full: [] };
    const bare = { ...prompt, argv: ['run'], resumeArgv: undefined, tools };
    expect(headlessPromptSchema.safeParse(bare).success).toBe(true);
  });
});
