import { readFileSync } from 'node:fs';

import type { Observation, PromptEvent } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import { parseOutput } from './parse-output.ts';

const folder = new URL('__fixtures__/headless/', import.meta.url);
const exited = (code: number): Observation => ({ type: 'exit', code, signal: null });
const line = (value: unknown): Observation => ({ type: 'stdout', line: JSON.stringify(value) });
const complaint = (text: string): Observation => ({ type: 'stderr', line: text });

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
    readFileSync(new URL(`gemini-0.61.0-${name}.${stream}`, folder), 'utf8')
      .split('\n')
      .map((text) => ({ type: stream, line: text }));
  return run([...lines('stdout'), ...lines('stderr'), exited(code)]);
}

describe('the output of recorded runs', () => {
  it('gives conversation, text piece by piece, usage and one end', () => {
    expect(recorded('ok', 0)).toEqual([
      { type: 'conversation', conversationId: 'e029151d-ef85-4a3d-8d19-87a92e5edf13' },
      ...['Hello ', 'from ', 'the ', 'fake ', 'model.'].map((text) => ({ type: 'text', text })),
      { type: 'usage', inputTokens: 20, outputTokens: 10 },
      { type: 'prompt-end', outcome: 'completed' },
    ]);
  });

  it('gives a tool with its start and its end', () => {
    const [name, toolId] = ['run_shell_command', 'run_shell_command__fc1'];
    expect(recorded('tool', 0).slice(1, 3)).toEqual([
      { type: 'tool-start', toolId, name, input: 'echo tool-ran' },
      { type: 'tool-end', toolId, name, output: 'tool-ran', ok: true },
    ]);
  });

  it.each(['no-creds', 'refresh-fails', 'revoked'])(
    'asks for a new login after %s, which says nothing on stdout',
    (name) => {
      expect(recorded(name, 41)).toEqual([
        expect.objectContaining({
          type: 'prompt-end',
          outcome: 'relogin-needed',
          code: 'CREDENTIAL_INVALID',
          message: expect.stringMatching(/^Gemini CLI is not logged in.* It said: Manual authorization is required/),
          hint: expect.stringContaining('Connect it again'),
        }),
      ]);
    },
  );
});

describe('the output of Gemini CLI', () => {
  it.each([
    [42, 'the conversation does not exist'],
    [55, 'does not trust the directory'],
  ])('explains exit code %i', (code, words) => {
    expect(run([complaint('Some reason.'), exited(code)])).toEqual([
      expect.objectContaining({
        outcome: 'failed',
        code: 'PROMPT_FAILED',
        message: expect.stringMatching(new RegExp(`${words}.* It said: Some reason\\.$`)),
      }),
    ]);
    expect(run([exited(code)])).toMatchObject([{ message: expect.stringContaining(words) }]);
  });

  it('fails with what its result says, also where it exits with 0', () => {
    const events = run([line({ type: 'result', status: 'error', error: { message: 'quota' } }), exited(0)]);
    expect(events).toMatchObject([{ type: 'prompt-end', outcome: 'failed', message: 'quota' }]);
  });

  it('does not let the model talk the user into a new login', () => {
    const content = 'Error authenticating: FatalAuthenticationError: Manual authorization is required';
    const events = run([line({ type: 'message', role: 'assistant', content, delta: true }), exited(1)]);
    expect(events.at(-1)).toMatchObject({ outcome: 'failed', message: 'Gemini CLI ended with exit code 1.' });
  });

  it('does not repeat the prompt, and keeps white space between words', () => {
    const said = (role: string, content: string): Observation => line({ type: 'message', role, content });
    expect(run([said('user', 'hi'), said('assistant', ' '), said('assistant', 'a')])).toEqual([
      { type: 'text', text: ' ' },
      { type: 'text', text: 'a' },
    ]);
  });

  it('says why a tool failed, and ends one that the end of the process cut short', () => {
    const use = (id: string): Observation =>
      line({ type: 'tool_use', tool_name: 'glob', tool_id: id, parameters: { a: 1 } });
    const failed = { type: 'tool_result', tool_id: 'x', status: 'error', error: { message: 'denied by policy' } };
    expect(run([use('x'), line(failed), use('y'), { type: 'exit', code: null, signal: 'SIGKILL' }])).toEqual([
      { type: 'tool-start', toolId: 'x', name: 'glob', input: '{"a":1}' },
      { type: 'tool-end', toolId: 'x', name: 'glob', output: 'denied by policy', ok: false },
      { type: 'tool-start', toolId: 'y', name: 'glob', input: '{"a":1}' },
      { type: 'tool-end', toolId: 'y', name: 'glob', output: '', ok: false },
      expect.objectContaining({ outcome: 'failed', message: 'Gemini CLI was ended by SIGKILL.' }),
    ]);
  });

  it('passes warnings on, shows a line that is not JSON, and ends once', () => {
    const warning = { type: 'error', severity: 'warning', message: 'Loop detected, stopping execution' };
    expect(
      run([
        line(warning),
        { type: 'stdout', line: 'hello' },
        line({ type: 'result', status: 'success' }),
        exited(0),
        exited(1),
        line(warning),
      ]),
    ).toEqual([
      { type: 'notice', message: 'Loop detected, stopping execution' },
      { type: 'notice', message: 'hello' },
      { type: 'prompt-end', outcome: 'completed' },
    ]);
  });
});
