import { setImmediate } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

// By its path: the test kit depends on this package, so this package cannot depend on the test kit.
import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { createJournalFeed } from './journal-feed.ts';
import { followJournal } from './journal-stream.ts';
import type { JournalEntry } from '../contracts/store.ts';

/**
 * A journal whose reading takes a turn of the event loop, in which others may write. Its clock stands still, so that
 * nobody is woken by the safety poll instead of a ring.
 */
function journal(options: { ring?: boolean } = {}) {
  const clock = createVirtualClock();
  const feed = createJournalFeed(clock);
  const entries: JournalEntry<string>[] = [];
  let onRead = (): void => undefined;
  let reads = 0;
  let isAway = false;
  const appendUnheard = (event: string): void => void entries.push({ id: entries.length + 1, event });
  const append = (event: string): void => {
    entries.push({ id: entries.length + 1, event });
    const entry = { id: entries.length, event };
    if (options.ring !== false) feed.publish('t', { after: entry.id - 1, entries: [entry] });
  };
  const follow = (afterId = 0, signal = new AbortController().signal) =>
    followJournal(feed, {
      topic: 't',
      afterId,
      signal,
      read: async (after) => {
        reads += 1;
        if (isAway) throw new Error('the store is away');
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
    appendUnheard,
    follow,
    reads: () => reads,
    failReads: () => {
      isAway = true;
    },
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

  it('misses nothing that is written while it reads, and gives it once', async () => {
    const { append, follow, duringRead } = journal();
    append('a');
    duringRead(() => append('b'));
    const stream = follow();
    expect((await stream.next()).value).toEqual({ id: 1, event: 'a' });
    expect((await stream.next()).value).toEqual({ id: 2, event: 'b' });
    append('end');
    expect((await stream.next()).value).toEqual({ id: 3, event: 'end' });
    expect((await stream.next()).done).toBe(true);
  });

  it('reads the store only at first, however many entries follow', async () => {
    const { append, follow, reads } = journal();
    append('a');
    const followed = Promise.all(Array.from({ length: 200 }, () => all(follow())));
    await setImmediate();
    for (let at = 0; at < 100; at += 1) {
      append('text');
      await setImmediate();
    }
    append('end');
    for (const events of await followed) expect(events).toHaveLength(102);
    expect(reads()).toBe(200);
  });

  it('reads the store where an entry is missing from the feed', async () => {
    const { append, appendUnheard, follow, reads } = journal();
    append('a');
    const followed = all(follow());
    await setImmediate();
    appendUnheard('by another process');
    append('end');
    expect(await followed).toEqual(['1 a', '2 by another process', '3 end']);
    expect(reads()).toBe(2);
  });

  it('reads the store where more was published than is kept for a follower that does not take it', async () => {
    const { append, follow, reads } = journal();
    append('a');
    const stream = follow();
    await stream.next();
    for (let at = 0; at < 3000; at += 1) append('text');
    append('end');
    expect(await all(stream)).toHaveLength(3001);
    expect(reads()).toBe(2);
  });

  it('asks the store once every two seconds for all who follow, and no more once they have left', async () => {
    const { clock, follow, reads } = journal();
    const abort = new AbortController();
    const streams = Array.from({ length: 50 }, () => all(follow(0, abort.signal)).catch(() => 'left'));
    await setImmediate();
    const before = reads();
    for (let at = 0; at < 10; at += 1) await clock.advance(2_000);
    expect(reads() - before).toBe(10);
    abort.abort(new Error('gone'));
    await Promise.all(streams);
    expect(clock.pending).toBe(0);
  });

  it('passes on what the look at the store throws', async () => {
    const { clock, failReads, follow } = journal();
    const followed = all(follow()).catch(String);
    await setImmediate();
    failReads();
    await clock.advance(2_000);
    expect(await followed).toContain('the store is away');
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
