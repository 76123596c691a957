import { describe, expect, it } from 'vitest';

import {
  answerStep,
  hasToldPrompt,
  openRpcConnection,
  overdueRequest,
  receiveMessage,
  resumeRpcConnection,
} from './connection.ts';
import { factsOf, linksOf } from './facts.ts';
import { isRunOver } from './run.ts';
import { problemOfSteps } from '../provider/rpc-step.ts';
import type { RpcStep } from '../provider/rpc-step.ts';

const asRequest = (method: string, params?: Record<string, never>): RpcStep['do'] => ({
  kind: 'request',
  method,
  ...(params && { params }),
  replyWithinMs: 1000,
});
const steps: readonly RpcStep[] = [
  { id: 'hello', do: asRequest('hello') },
  { id: 'there', when: { pattern: '^hello result$' }, do: { kind: 'notify', method: 'there' } },
  {
    id: 'turn',
    when: { pattern: '^hello result$' },
    do: {
      kind: 'request',
      method: 'turn',
      params: { id: { reply: 'hello', at: '/thread/id' }, say: [{ slot: 'prompt' }], model: { slot: 'model' } },
      replyWithinMs: 1000,
    },
  },
];
const sent = (lines: readonly string[]): unknown[] => lines.map((line) => JSON.parse(line));
const begun = openRpcConnection(steps, { prompt: 'hi' });
const reply = (id: string, result: unknown): string => JSON.stringify({ id, result });

describe('a conversation over JSON-RPC', () => {
  it('begins with the steps that wait for nothing, and fires each of the others once', () => {
    expect(sent(begun.send)).toEqual([{ jsonrpc: '2.0', id: 'hello', method: 'hello' }]);
    const next = receiveMessage(begun.connection, reply('hello', { thread: { id: 't1' } }), 10);
    expect(sent(next.send)).toEqual([
      { jsonrpc: '2.0', method: 'there' },
      // The model is absent, and so is its member.
      { jsonrpc: '2.0', id: 'turn', method: 'turn', params: { id: 't1', say: ['hi'] } },
    ]);
    expect(receiveMessage(next.connection, reply('hello', {}), 20).send).toEqual([]);
  });

  it('goes on in a process that has taken its opening, as if it had just heard the replies to it', () => {
    const opening = { opening: ['hello', 'there'], replies: { hello: { thread: { id: 't1' } } } };
    const next = resumeRpcConnection(steps, { prompt: 'again' }, opening);
    expect(sent(next.send)).toEqual([
      { jsonrpc: '2.0', id: 'turn', method: 'turn', params: { id: 't1', say: ['again'] } },
    ]);
    expect(Object.keys(next.connection.waiting)).toEqual(['turn']);
    expect([hasToldPrompt(begun.connection), hasToldPrompt(next.connection)]).toEqual([false, true]);
  });

  it('takes no reply for which nobody waits, nor a line that is not a message', () => {
    for (const line of [reply('turn', {}), reply('else', {}), '{"id":1,"result":{}}', 'hello result', '[]', '{}', '']) {
      const turn = receiveMessage(begun.connection, line, 10);
      expect([turn.send, turn.refusal]).toEqual([[], undefined]);
    }
  });

  it('declines what the CLI asks of its client', () => {
    const { send } = receiveMessage(begun.connection, '{"id":7,"method":"may/I","params":{}}', 10);
    expect(sent(send)).toMatchObject([{ id: 7, error: { code: -32_601 } }]);
  });

  it('tells which request was not answered in its time, and what an error says', () => {
    expect(overdueRequest(begun.connection, 999)).toBeUndefined();
    expect(overdueRequest(begun.connection, 1000)).toBe('hello');
    const refused = receiveMessage(begun.connection, '{"id":"hello","error":{"code":1,"message":"not today"}}', 10);
    expect(refused).toMatchObject({
      refusal: 'not today',
      facts: ['hello error', 'hello error /code 1', 'hello error /message not today'],
    });
    expect(overdueRequest(refused.connection, 5000)).toBeUndefined();
  });

  it('sends an answer where its place is', () => {
    const prompt = { id: 'code', label: 'Code', kind: 'code' as const, secret: true };
    const request = { method: 'redeem', params: { code: { slot: 'answer' } }, replyWithinMs: 1000 };
    const asking = openRpcConnection([{ id: 'ask', do: { kind: 'ask', prompt, request } }], {});
    expect(asking.asking.map(({ id }) => id)).toEqual(['ask']);
    const { send } = answerStep(asking.connection, 'ask', '"4711"', 0);
    expect(sent(send)).toMatchObject([{ id: 'ask', method: 'redeem', params: { code: '"4711"' } }]);
  });

  it('is over when its own turn is, not that of another thread', () => {
    const run = {
      steps: [],
      values: {},
      over: [{ when: { pattern: '^done$' }, same: { at: '/t', as: { reply: 'hello', at: '/thread/id' } } }],
    };
    const { connection } = receiveMessage(begun.connection, reply('hello', { thread: { id: 't1' } }), 10);
    const done = (thread: string): boolean =>
      isRunOver(run, receiveMessage(connection, JSON.stringify({ method: 'done', params: { t: thread } }), 20));
    expect([done('t2'), done('t1')]).toEqual([false, true]);
  });
});

describe('the facts of a message', () => {
  it('stand for themselves, in one order, whatever is inside', () => {
    const message = {
      method: 'x/y',
      params: { b: [true, null], 'a/b~c': 'one\nx/y /ok true', url: 'https://a.example/?q=1' },
    };
    expect(factsOf(message)).toEqual([
      'x/y',
      String.raw`x/y /a~1b~0c one\nx/y /ok true`,
      'x/y /b/0 true',
      'x/y /url https://a.example/?q=1',
    ]);
    expect(linksOf(message)).toEqual(['https://a.example/?q=1']);
    expect(linksOf({ method: 'm', params: { url: 'see https://a.example/ and more' } })).toEqual([]);
  });

  it('are bounded, however deep or wide a message is', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 3000; level += 1) deep = { a: deep };
    expect(factsOf({ method: 'm', params: deep })).toHaveLength(2);
    expect(factsOf({ method: 'm', params: Array.from({ length: 5000 }, () => 1) }).length).toBeLessThanOrEqual(201);
  });
});

describe('the steps of a conversation', () => {
  it.each([
    [[steps[0], steps[0]], 'two steps with the same id'],
    [[{ id: 'a', do: { kind: 'notify', method: 'm', params: { x: { slot: 'secret' } } } }], 'a place for "secret"'],
    [[{ id: 'a', do: { kind: 'notify', method: 'm', params: { x: { reply: 'b', at: '/c' } } } }], 'the reply to "b"'],
    [
      [steps[0], { id: 'a', do: { kind: 'notify', method: 'm', params: { x: { reply: 'hello', at: 'c' } } } }],
      'not a JSON pointer',
    ],
  ])('are refused where they cannot work: %#', (wrong, words) => {
    expect(
      problemOfSteps(
        wrong.filter((step): step is RpcStep => step !== undefined),
        ['prompt'],
      ),
    ).toContain(words);
  });
});
