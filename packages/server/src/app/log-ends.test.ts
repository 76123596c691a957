import type { DomainEvent } from '@sallyport/core';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

import { watchEnds } from './log-ends.ts';

type Facts<Event> = Event extends unknown ? Omit<Event, 'at' | 'userId'> : never;

function watch() {
  const lines: object[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  const ends = watchEnds(log);
  const tell = (at: number, event: Facts<DomainEvent>): void => ends.note({ at, userId: 'u-1', ...event });
  return { lines, tell, stopping: ends.stopping };
}

const login = { sessionId: 's-1', provider: 'codex' } as const;
const prompt = { promptId: 'p-1', provider: 'codex' } as const;
const machine = { type: 'machine.state', machineId: 'm-1', role: 'cli' } as const;

describe('the log of what ends', () => {
  it('says of a login how it ended, why, whose it was and how long it took', () => {
    const { lines, tell } = watch();
    tell(1000, { type: 'login.started', ...login, method: 'device', display: 'none' });
    tell(1500, { type: 'login.phase', ...login, phase: 'ready' });
    tell(3000, { type: 'login.failed', ...login, code: 'LOGIN_DENIED' });
    const fields = { outcome: 'failed', code: 'LOGIN_DENIED', userId: 'u-1', durationMs: 2000 };
    expect(lines).toEqual([{ level: 30, msg: 'login failed', ...fields, ...login }]);
  });

  it('warns of a held login that was deleted because another user returned', () => {
    const { lines, tell } = watch();
    tell(1000, { type: 'login.discarded', ...login, reason: 'unclaimed' });
    tell(2000, { type: 'login.discarded', ...login, reason: 'other-user' });
    const fields = { msg: 'login discarded', outcome: 'discarded', userId: 'u-1', ...login };
    expect(lines).toEqual([
      { level: 30, ...fields, reason: 'unclaimed' },
      { level: 40, ...fields, reason: 'other-user' },
    ]);
  });

  it('says the same of a prompt', () => {
    const { lines, tell } = watch();
    tell(1000, { type: 'prompt.started', ...prompt });
    tell(1250, { type: 'prompt.ended', ...prompt, outcome: 'failed', code: 'PROMPT_FAILED' });
    tell(2000, { type: 'prompt.started', ...prompt });
    tell(2001, { type: 'prompt.ended', ...prompt, outcome: 'completed' });
    expect(lines).toEqual([
      {
        level: 30,
        msg: 'prompt failed',
        outcome: 'failed',
        code: 'PROMPT_FAILED',
        userId: 'u-1',
        durationMs: 250,
        ...prompt,
      },
      { level: 30, msg: 'prompt completed', outcome: 'completed', userId: 'u-1', durationMs: 1, ...prompt },
    ]);
  });

  it('says of a machine why it was stopped, once for each end', () => {
    const { lines, tell, stopping } = watch();
    tell(1000, { ...machine, state: 'running' });
    stopping('m-1', 'idle');
    tell(5000, { ...machine, state: 'stopping' });
    tell(6000, { ...machine, state: 'hibernated' });
    const { type: _type, ...ids } = machine;
    const fields = { outcome: 'hibernated', reason: 'idle', userId: 'u-1', durationMs: 5000 };
    expect(lines).toEqual([{ level: 30, msg: 'machine hibernated', ...fields, ...ids }]);
  });

  it('gives no time where an earlier server saw the beginning', () => {
    const { lines, tell } = watch();
    tell(1000, { type: 'login.failed', ...login, code: 'LOGIN_INTERRUPTED' });
    expect(lines[0]).not.toHaveProperty('durationMs');
  });
});
