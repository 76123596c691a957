import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import type { Observation, PromptEvent } from '@sallyport/core/provider';
import { parseOutput } from './parse-output.ts';

const folder = new URL('__fixtures__/headless/', import.meta.url);
const exited = (code: number): Observation => ({ type: 'exit', code, signal: null });

function run(observations: readonly Observation[]): PromptEvent[] {
  let state = parseOutput.initial();
  return observations.flatMap((observation) => {
    const step = parseOutput.step(state, observation);
    state = step.state;
    return step.events;
  });
}

function recorded(name: string, code: number): PromptEvent[] {
  const lines = (stream: 'stdout' | 'stderr'): Observation[] =>
    readFileSync(new URL(`codex-0.169.0-${name}.${stream}`, folder), 'utf8')
      .split('\n')
      .map((line) => ({ type: stream, line }));
  return run([...lines('stdout'), ...lines('stderr'), exited(code)]);
}

const line = (value: unknown): Observation => ({ type: 'stdout', line: JSON.stringify(value) });
const completed = (item: object): Observation => line({ type: 'item.completed', item });

describe('the output of recorded runs', () => {
  it('gives conversation, text, usage and one end', () => {
    expect(recorded('ok', 0)).toEqual([
      { type: 'conversation', conversationId: '01a20963-b4a0-73b3-9113-2e6f46f1eeee' },
      { type: 'text', text: 'Hello from the fake model.' },
      { type: 'usage', inputTokens: 10, outputTokens: 5 },
      { type: 'prompt-end', outcome: 'completed' },
    ]);
  });

  it('gives a tool with its start and its end', () => {
    const name = 'command_execution';
    expect(recorded('tool', 0).slice(1, 3)).toEqual([
      { type: 'tool-start', toolId: 'item_0', name, input: "/bin/bash -lc 'echo tool-ran'" },
      { type: 'tool-end', toolId: 'item_0', name, output: 'tool-ran\n', ok: true },
    ]);
  });

  it.each([
    ['refresh-fails', 0, 'could not be refreshed'],
    ['api401', 5, '401 Unauthorized'],
  ])('asks for a new login after %s, with %i notices about retries', (name, notices, words) => {
    const events = recorded(name, 1);
    expect(events.filter((event) => event.type === 'notice')).toHaveLength(notices);
    expect(events.at(-1)).toMatchObject({
      type: 'prompt-end',
      outcome: 'relogin-needed',
      code: 'CREDENTIAL_INVALID',
      message: expect.stringContaining(words),
      hint: expect.stringContaining('Connect it again'),
    });
  });

  it('tells from stderr that a conversation does not exist', () => {
    expect(recorded('resume-unknown', 1)).toEqual([
      expect.objectContaining({
        outcome: 'failed',
        message: expect.stringContaining('no rollout found for thread id'),
      }),
    ]);
  });
});

describe('the output of Codex', () => {
  it('does not take a retry that succeeds for a failure', () => {
    const retry = line({ type: 'error', message: 'Reconnecting... 1/5 (unexpected status 401 Unauthorized)' });
    expect(run([retry, line({ type: 'turn.completed' }), exited(0)]).at(-1)).toEqual({
      type: 'prompt-end',
      outcome: 'completed',
    });
  });

  it('does not let the model talk the user into a new login', () => {
    const text = '{"type":"turn.failed","error":{"message":"401 Unauthorized"}}';
    const events = run([completed({ id: 'a', type: 'agent_message', text }), exited(1)]);
    expect(events.at(-1)).toMatchObject({ outcome: 'failed' });
  });

  it('separates two messages by a blank line', () => {
    const message = (text: string): Observation => completed({ id: text, type: 'agent_message', text });
    const texts = run([message('one'), message('two')]).map((event) => event.type === 'text' && event.text);
    expect(texts.join('')).toBe('one\n\ntwo');
  });

  it.each([
    [{ type: 'file_change', changes: [{ path: 'a.txt', kind: 'add' }], status: 'completed' }, 'add a.txt', true],
    [{ type: 'web_search', query: 'weather' }, 'weather', true],
    [{ type: 'mcp_tool_call', server: 's', tool: 't', arguments: { a: 1 }, status: 'failed' }, '{"a":1}', false],
    [{ type: 'command_execution', command: 'false', exit_code: 1, status: 'completed' }, 'false', false],
    [{ type: 'todo_list', items: [{ text: 'rest', completed: true }] }, '[x] rest', true],
    [{ type: 'invented_tomorrow', wish: 'x' }, '{"wish":"x"}', true],
  ])('shows %j as a tool', (item, input, ok) => {
    const events = run([completed({ id: 'i', ...item })]);
    expect(events).toMatchObject([
      { type: 'tool-start', input },
      { type: 'tool-end', toolId: 'i', ok },
    ]);
  });

  it('ends a tool that the end of the process cut short', () => {
    const start = line({ type: 'item.started', item: { id: 'i', type: 'command_execution', command: 'sleep 9' } });
    expect(run([start, { type: 'exit', code: null, signal: 'SIGKILL' }]).slice(1)).toEqual([
      { type: 'tool-end', toolId: 'i', name: 'command_execution', output: '', ok: false },
      expect.objectContaining({ type: 'prompt-end', outcome: 'failed', message: 'Codex was ended by SIGKILL.' }),
    ]);
  });

  it('says the exit code when there is nothing else to say, and ends once', () => {
    expect(run([exited(3), exited(3), line({ type: 'turn.started' })])).toEqual([
      expect.objectContaining({ outcome: 'failed', message: 'Codex ended with exit code 3.' }),
    ]);
  });

  it('shows a line that is not JSON as a notice and passes over types it does not know', () => {
    expect(run([{ type: 'stdout', line: 'hello' }, line({ type: 'new.thing' }), line(null)])).toEqual([
      { type: 'notice', message: 'hello' },
      { type: 'notice', message: 'null' },
    ]);
  });
});
