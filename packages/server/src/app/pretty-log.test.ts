import { describe, expect, it } from 'vitest';

import { prettyLine } from './pretty-log.ts';

const line = (fields: object): string => prettyLine(JSON.stringify({ time: 0, pid: 1, hostname: 'h', ...fields }));
const clock = new Date(0).toTimeString().slice(0, 8);

describe('a line of the log for a terminal', () => {
  it('has the time, the message and its fields', () => {
    const fields = { level: 30, msg: 'login failed', code: 'LOGIN_DENIED', durationMs: 5, userId: null };
    expect(line(fields)).toBe(`${clock} login failed code=LOGIN_DENIED durationMs=5\n`);
  });

  it('marks what wants attention, and shows its cause below', () => {
    expect(line({ level: 40, msg: 'closing', err: { stack: 'Error: no\n    at x' } })).toBe(
      `${clock} WARN closing\n    Error: no\n    at x\n`,
    );
  });

  it('quotes what a terminal would obey', () => {
    expect(line({ level: 30, msg: 'a\u001B[2Jb', host: 'x\u001B[31m y' })).toBe(
      `${clock} a\\u{1b}[2Jb host="x\\u001b[31m y"\n`,
    );
  });
});
