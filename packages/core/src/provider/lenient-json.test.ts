import { describe, expect, it } from 'vitest';

import { openRpcConnection, receiveMessage } from '../rpc/connection.ts';
import { readable, tryParseJson } from './lenient-json.ts';

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('JSON that a machine sends', () => {
  it('is read down to 500 levels', () => {
    expect(readable(tryParseJson(nested(500)))).toBe(nested(500));
    expect(
      tryParseJson(JSON.stringify({ text: nested(20_000), wide: Array.from({ length: 5000 }, () => [{}]) })),
    ).toEqual({
      text: nested(20_000),
      wide: Array.from({ length: 5000 }, () => [{}]),
    });
  });

  it.each([
    ['just too deep', nested(501)],
    ['deep enough to overflow the stack of who writes it again', nested(20_000)],
    ['deep below a key', `{"a":[0,{"b":${nested(20_000)}}]}`],
  ])('is none where it is %s', (_what, text) => {
    expect(tryParseJson(text)).toBeUndefined();
  });

  it('refuses a reply that the next request could not hold', () => {
    const { connection } = openRpcConnection(
      [
        { id: 'start', do: { kind: 'request', method: 'start', replyWithinMs: 1000 } },
        {
          id: 'go',
          when: { pattern: '^start result$' },
          do: { kind: 'request', method: 'go', params: { id: { reply: 'start', at: '/id' } }, replyWithinMs: 1000 },
        },
      ],
      {},
    );
    const turn = receiveMessage(connection, `{"id":"start","result":{"id":${nested(20_000)}}}`, 0);
    expect(turn).toMatchObject({ message: undefined, send: [] });
  });
});
