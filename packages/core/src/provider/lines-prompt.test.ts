import { describe, expect, it } from 'vitest';

import { buildArgv } from '../prompts/argv.ts';
import { hasLineValue, parseLine } from './line-value.ts';
import { headlessPromptSchema } from './headless-prompt.ts';

const prompt = {
  drive: 'json-lines',
  argv: ['run', { slot: 'tools' }, { slot: 'model', flag: '--model' }],
  resumeArgv: ['run', { slot: 'tools' }, { slot: 'model', flag: '--model' }, { slot: 'session', flag: '--resume' }],
  message: { type: 'user', content: [{ text: { slot: 'prompt' } }] },
  tools: { 'read-only': ['--careful'], workspace: [], full: [] },
  over: [{ at: '/type', equals: 'result' }],
  resident: { conversation: '/session_id' },
  reloginNeeded: [],
};

/** The first thing that is wrong with a changed manifest, with its place. */
function problem(change: object): string | undefined {
  const { error } = headlessPromptSchema.safeParse({ ...prompt, ...change });
  const [issue] = error?.issues ?? [];
  return issue && `${issue.path.join('.')}: ${issue.message}`;
}

describe('a prompt in lines of JSON', () => {
  it('has the arguments of its policy, and the conversation to continue', () => {
    const parsed = headlessPromptSchema.parse(prompt);
    expect(buildArgv(parsed, { tools: 'read-only', model: 'm' })).toEqual(['run', '--careful', '--model', 'm']);
    expect(buildArgv(parsed, { tools: 'workspace', session: 's' })).toEqual(['run', '--resume', 's']);
    expect(parsed).toMatchObject({ resident: { ends: [], idleMs: 600_000, maxPrompts: 50, maxMemoryMb: 256 } });
  });

  it.each([
    ['that forgets the prompt', { type: 'user' }],
    ['that has it twice', { one: { slot: 'prompt' }, two: [{ slot: 'prompt' }] }],
    ['that has a place for something else', { text: { slot: 'prompt' }, model: { slot: 'model' } }],
  ])('is refused with a message %s', (_what, message) => {
    expect(problem({ message })).toBe("message: must contain { slot: 'prompt' } exactly once, and no other place");
  });

  it('is refused where a process that continues a conversation would be another than one that begins it', () => {
    const resumeArgv = ['resume', { slot: 'tools' }, { slot: 'model', flag: '--model' }, { slot: 'session' }];
    expect(problem({ resumeArgv })).toMatch(/^resumeArgv: must be `argv` with/);
    expect(problem({ resumeArgv, resident: undefined })).toBeUndefined();
    expect(problem({ resumeArgv: undefined })).toBeUndefined();
  });

  it('is refused where a tool policy would be silently left out', () => {
    expect(problem({ argv: ['run'], resumeArgv: undefined })).toBe("argv: must contain { slot: 'tools' } exactly once");
  });

  it('is refused without an end of the answer', () => {
    expect(problem({ over: [] })).toMatch(/^over: /);
    expect(problem({ over: [{ at: 'type', equals: 'result' }] })).toBe('over.0.at: must be a JSON pointer (RFC 6901)');
  });
});

describe('a value in a line', () => {
  const result = [{ at: '/type', equals: 'result' }];

  it('is found at its place, and in no text and no other place', () => {
    expect(hasLineValue(result, parseLine('{"type":"result"}'))).toBe(true);
    expect(hasLineValue(result, parseLine('  {"a":1,"type":"result"}\n'))).toBe(true);
    for (const line of [
      '{"type":"text","text":"{\\"type\\":\\"result\\"}"}',
      '{"type":"tool","input":{"type":"result"}}',
      '{"type":["result"]}',
      '"type result"',
      'result',
      '{"type":"result"',
      '{"__proto__":{"type":"result"}}',
    ]) {
      expect([line, hasLineValue(result, parseLine(line))]).toEqual([line, false]);
    }
  });

  it('may be under any key, and be a number or a truth', () => {
    const names = [{ at: '/content/*/name', equals: 'Cron' }];
    expect(hasLineValue(names, { content: [{ name: 'Read' }, { name: 'Cron' }] })).toBe(true);
    expect(hasLineValue(names, { content: [{ name: 'Read' }], name: 'Cron' })).toBe(false);
    expect(hasLineValue([{ at: '/failed', equals: true }], { failed: 'true' })).toBe(false);
    expect(hasLineValue([{ at: '/count', equals: 2 }], { count: 2 })).toBe(true);
  });
});
