import { describe, expect, it } from 'vitest';

import { createEventLog } from './event-log.ts';

const failed = (message: string) => ({ type: 'desktop.failed', message }) as const;

describe('the event log', () => {
  it('keeps the newest events and replays what came after an id', () => {
    const log = createEventLog(2);
    for (const message of ['a', 'b', 'c']) log.publish(failed(message));
    const seen: unknown[] = [];
    log.subscribe(2, (entry) => seen.push(entry));
    expect(seen).toEqual([{ id: 3, event: failed('c') }]);
    const all: unknown[] = [];
    log.subscribe(0, (entry) => all.push(entry));
    expect(all).toHaveLength(2);
  });

  it('does not keep what is only announced', () => {
    const log = createEventLog();
    log.announce(failed('a'));
    const seen: unknown[] = [];
    const stop = log.subscribe(0, (entry) => seen.push(entry));
    log.announce(failed('b'));
    stop();
    log.publish(failed('c'));
    expect(seen).toEqual([{ id: 2, event: failed('b') }]);
  });
});
