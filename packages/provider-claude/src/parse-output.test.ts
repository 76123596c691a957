import { describe, expect, it } from 'vitest';

import type { Observation, PromptEvent } from '@sallyport/core/provider';
import { parseOutput } from './parse-output.ts';

const line = (value: unknown): Observation => ({ type: 'stdout', line: JSON.stringify(value) });
const exited = (code: number): Observation => ({ type: 'exit', code, signal: null });
const result = (fields: object = {}): Observation =>
  line({ is_error: false, subtype: 'success', result: 'done', type: 'result', ...fields });
const piece = (event: object, more: object = {}): Observation => line({ type: 'stream_event', event, ...more });
const assistant = (id: string, content: readonly object[], more: object = {}): Observation =>
  line({ type: 'assistant', message: { id, content }, ...more });
const say = (text: string): object => ({ type: 'text', text });

function run(observations: readonly Observation[]): readonly PromptEvent[] {
  let state = parseOutput.initial();
  return observations.flatMap((observation) => {
    const step = parseOutput.step(state, observation);
    state = step.state;
    return step.events;
  });
}

describe('text', () => {
  const streamed = (id: string, ...words: readonly string[]): Observation[] => [
    piece({ type: 'message_start', message: { id } }),
    piece({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    ...words.map((text) => piece({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
  ];

  it('comes in pieces and is not repeated by the whole item that follows', () => {
    const events = run([...streamed('m1', 'Hello ', 'you'), assistant('m1', [say('Hello you')])]);
    expect(events).toEqual([
      { type: 'text', text: 'Hello ' },
      { type: 'text', text: 'you' },
    ]);
  });

  it('comes from whole items where no pieces came, and later blocks start a paragraph', () => {
    const events = run([assistant('m1', [say('One')]), ...streamed('m2', 'Two', '!'), assistant('m3', [say('Three')])]);
    expect(events.map((event) => (event.type === 'text' ? event.text : '')).join('')).toBe('One\n\nTwo!\n\nThree');
  });

  it('of a subagent stays inside its tool', () => {
    const inside = { parent_tool_use_id: 'toolu_1' };
    expect(run([assistant('m1', [say('inner')], inside)])).toEqual([]);
    expect(run([piece({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'x' } }, inside)])).toEqual([]);
  });

  it('knows thinking, in pieces and whole', () => {
    const thinking = { type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: 'Hm' } };
    expect(
      run([
        piece({ type: 'message_start', message: { id: 'm1' } }),
        piece(thinking),
        assistant('m1', [{ type: 'thinking', thinking: 'Hm' }]),
        assistant('m2', [{ type: 'thinking', thinking: 'So' }]),
      ]),
    ).toEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'reasoning', text: 'So' },
    ]);
  });
});

describe('tools', () => {
  const use = (name: string, input: object): Observation =>
    assistant('m1', [{ type: 'tool_use', id: 't1', name, input }]);
  const answer = (fields: object): Observation =>
    line({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 't1', ...fields }] } });

  it.each([
    ['Bash', { command: 'ls', description: 'list' }, 'ls', { content: 'a' }, 'a', true],
    [
      'Read',
      { file_path: '/x' },
      '/x',
      { content: [{ type: 'text', text: 'b' }, { type: 'image' }] },
      'b\n[image]',
      true,
    ],
    ['Edit', { a: 1, b: 2 }, '{"a":1,"b":2}', { content: 'no', is_error: true }, 'no', false],
  ])('of kind %s show input, output and whether it worked', (name, input, shown, fields, output, ok) => {
    expect(run([use(name, input), answer(fields)])).toEqual([
      { type: 'tool-start', toolId: 't1', name, input: shown },
      { type: 'tool-end', toolId: 't1', name, output, ok },
    ]);
  });

  it('that the end of the process cut short are ended', () => {
    expect(
      run([use('Bash', { command: 'sleep 9' }), { type: 'exit', code: null, signal: 'SIGKILL' }]).slice(1),
    ).toEqual([
      { type: 'tool-end', toolId: 't1', name: 'Bash', output: '', ok: false },
      expect.objectContaining({ outcome: 'failed', message: 'Claude Code was ended by SIGKILL.' }),
    ]);
  });
});

describe('notices', () => {
  it('tell of retries and limits, and not of limits that are far away', () => {
    expect(
      run([
        line({ type: 'system', subtype: 'api_retry', attempt: 1, max_retries: 10, error_status: 529 }),
        line({ type: 'rate_limit_event', rate_limit_info: { status: 'allowed' } }),
        line({ type: 'rate_limit_event', rate_limit_info: { status: 'allowed_warning', resetsAt: 1_800_000_000 } }),
        line({ type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: -1e300 } }),
        { type: 'stdout', line: 'hello' },
      ]),
    ).toEqual([
      { type: 'notice', message: 'Anthropic answered 529; trying again (1 of 10).' },
      { type: 'notice', message: 'The limit of the plan: allowed warning. It resets at 2027-01-15T08:00:00.000Z.' },
      { type: 'notice', message: 'The limit of the plan: rejected.' },
      { type: 'notice', message: 'hello' },
    ]);
  });
});

describe('the end', () => {
  it('counts what was read from a cache as input', () => {
    const usage = { input_tokens: 1, cache_creation_input_tokens: 2, cache_read_input_tokens: 4, output_tokens: 8 };
    expect(run([result({ usage }), exited(0)])).toEqual([
      { type: 'usage', inputTokens: 7, outputTokens: 8 },
      { type: 'prompt-end', outcome: 'completed' },
    ]);
  });

  it.each([
    ['an error in the result', [result({ is_error: true, result: 'Overloaded' }), exited(0)], 'Overloaded'],
    ['an exit code', [result(), exited(3)], 'Claude Code ended with exit code 3.'],
    ['no result', [exited(0)], 'Claude Code ended with exit code 0.'],
    ['a message on stderr', [{ type: 'stderr', line: 'Error: no' }, exited(1)], 'Error: no'],
    [
      'an error list',
      [result({ is_error: true, result: undefined, subtype: 'error_during_execution', errors: ['gone'] }), exited(1)],
      'gone',
    ],
  ] satisfies [string, Observation[], string][])('is a failure with %s', (_, observations, message) => {
    expect(run(observations).at(-1)).toMatchObject({ type: 'prompt-end', outcome: 'failed', message });
  });

  it('asks for a new login where the CLI says so, whatever the subtype, and never because the model says so', () => {
    const words = 'Failed to authenticate: OAuth session expired and could not be refreshed';
    expect(run([result({ is_error: true, result: words }), exited(1)]).at(-1)).toMatchObject({
      outcome: 'relogin-needed',
      code: 'CREDENTIAL_INVALID',
      message: words,
    });
    expect(run([result({ result: words }), exited(0)]).at(-1)).toMatchObject({ outcome: 'completed' });
    const quoted = `Look: "is_error":true, "result":"Not logged in"`;
    expect(run([result({ is_error: true, result: quoted }), exited(1)]).at(-1)).toMatchObject({ outcome: 'failed' });
    expect(run([assistant('m', [say(words)], { is_api_error_message: true })])).toEqual([]);
  });

  it('comes once', () => {
    expect(run([exited(3), exited(3), result()]).length).toBe(1);
  });
});

describe('an API key that is refused', () => {
  const init = (apiKeySource: string): Observation =>
    line({ type: 'system', subtype: 'init', session_id: 's', apiKeySource });
  const retry = (attempt: number, error_status: number): Observation =>
    line({ type: 'system', subtype: 'api_retry', attempt, max_retries: 10, error_status });
  const ends = (observations: readonly Observation[]): readonly PromptEvent[] =>
    run(observations).filter(({ type }) => type === 'prompt-end');

  it('ends the run when it is refused for the second time, not when the CLI gives up', () => {
    const refused = [init('ANTHROPIC_API_KEY'), retry(1, 401), retry(2, 401)];
    expect(run(refused.slice(0, 2)).at(-1)).toMatchObject({ type: 'notice' });
    expect(ends([...refused, retry(3, 401), exited(1)])).toMatchObject([
      { outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID', message: 'Anthropic does not accept the API key.' },
    ]);
  });

  it('is told from an API that is busy, and from a login, which the CLI may refresh', () => {
    expect(ends([init('ANTHROPIC_API_KEY'), retry(1, 529), retry(2, 529)])).toEqual([]);
    expect(ends([init('none'), retry(1, 401), retry(2, 401)])).toEqual([]);
  });
});
