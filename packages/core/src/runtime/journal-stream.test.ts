import { setImmediate } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

// By its path: the test kit depends on this package, so this package cannot depend on the test kit.
import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { createNotifier, followJournal } from './journal-stream.ts';
import type { JournalEntry } from '../contracts/store.ts';

/**
 * A journal whose reading takes a turn of the event loop, in which others may write. Its clock stands still, so that
 * nobody is woken by the safety poll instead of a ring.
 */
function journal(options: { ring?: boolean } = {}) {
  const clock = createVirtualClock();
  const notifier = createNotifier(clock);
  const entries: JournalEntry<string>[] = [];
  let onRead = (): void => undefined;
  const append = (event: string): void => {
    entries.push({ id: entries.length + 1, event });
    if (options.ring !== false) notifier.ring('t');
  };
  const follow = (afterId = 0, signal = new AbortController().signal) =>
    followJournal(notifier, {
      topic: 't',
      afterId,
      signal,
      read: async (after) => {
        const found = entries.filter(({ id }) => id > after);
        await Promise.resolve();
        onRead();
        return found;
      },
      isLast: (event) => event === 'end',
      isOver: async () => entries.at(-1)?.event === 'end',
    });
  return {
    clock,
    append,
    follow,
    duringRead: (work: () => void) => {
      onRead = () => {
        onRead = () => undefined;
        work();
      };
    },
  };
}

async function all(stream: AsyncGenerator<JournalEntry<string>>): Promise<readonly string[]> {
  const events: string[] = [];
  for await (const { id, event } of stream) events.push(`${id} ${event}`);
  return events;
}

describe('following a journal', () => {
  it('gives the stored entries, then the new ones, and ends with the last', async () => {
    const { append, follow } = journal();
    append('a');
    const followed = all(follow());
    await setImmediate();
    append('b');
    append('end');
    append('never seen');
    expect(await followed).toEqual(['1 a', '2 b', '3 end']);
  });

  it('misses nothing that is written while it reads', async () => {
    const { append, follow, duringRead } = journal();
    duringRead(() => append('a'));
    const stream = follow();
    expect((await stream.next()).value).toEqual({ id: 1, event: 'a' });
    duringRead(() => append('end'));
    expect((await stream.next()).value).toEqual({ id: 2, event: 'end' });
    expect((await stream.next()).done).toBe(true);
  });

  it('sees what another process wrote without ringing', async () => {
    const { append, clock, follow } = journal({ ring: false });
    const followed = all(follow());
    await setImmediate();
    append('end');
    await clock.advance(2_000);
    expect(await followed).toEqual(['1 end']);
  });

  it('goes on behind the entry that was seen last', async () => {
    const { append, follow } = journal();
    for (const event of ['a', 'b', 'end']) append(event);
    expect(await all(follow(1))).toEqual(['2 b', '3 end']);
  });

  it('ends at once for who has seen the end', async () => {
    const { append, follow } = journal();
    for (const event of ['a', 'end']) append(event);
    expect(await all(follow(2))).toEqual([]);
  });

  it('gives the end that is written while it asks whether there is one', async () => {
    const { append, follow, duringRead } = journal();
    append('a');
    duringRead(() => append('end'));
    expect(await all(follow(1))).toEqual(['2 end']);
  });

  it('stops with the reason of its signal, also while it waits', async () => {
    const { follow } = journal();
    const abort = new AbortController();
    const next = follow(0, abort.signal).next();
    await setImmediate();
    abort.abort(new Error('gone'));
    await expect(next).rejects.toThrow('gone');
  });

  it('wakes everybody who follows', async () => {
    const { append, follow } = journal();
    const readers = [all(follow()), all(follow()), all(follow())];
    await setImmediate();
    append('end');
    expect(await Promise.all(readers)).toEqual([['1 end'], ['1 end'], ['1 end']]);
  });
});
