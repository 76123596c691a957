import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { PromptEvent } from '../contracts/prompt-event.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { SallyportError } from '../base/errors.ts';
import { systemClock } from '../base/clock.ts';
import { createJournalFeed } from '../runtime/journal-feed.ts';
import { beginPromptJournal } from './journal.ts';
import type { PromptJournal } from './journal.ts';

const text = (at: number): PromptEvent => ({ type: 'text', text: `${at}` });
const end: PromptEvent = { type: 'prompt-end', outcome: 'completed' };

/** A journal on a store whose writes wait until they are let go. */
async function slowJournal() {
  const memory = createMemoryStore({ clock: systemClock });
  const writes: PromptEvent[][] = [];
  const held: { readonly go: (error?: Error) => void }[] = [];
  const append: typeof memory.prompts.append = async (promptId, events) => {
    writes.push([...events]);
    await new Promise<void>((resolve, reject) => held.push({ go: (error) => (error ? reject(error) : resolve()) }));
    return memory.prompts.append(promptId, events);
  };
  const promptId = randomUUID();
  const runtime = {
    store: { ...memory, prompts: { ...memory.prompts, append } },
    hooks: { promptEvent: (event: PromptEvent) => event },
    clock: systemClock,
    closing: new AbortController().signal,
    journalFeed: createJournalFeed(systemClock),
    noteEvent: () => ({ audit: undefined, announce: () => undefined }),
    reportBackground: () => undefined,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts of a runtime that a journal uses
  const journal = beginPromptJournal(runtime as unknown as Parameters<typeof beginPromptJournal>[0], {
    promptId,
    userId: randomUUID(),
    host: 'h',
    provider: 'fake',
    conversationId: null,
  });
  await journal.record;
  return {
    journal,
    writes,
    /** Lets the write under way go, or fail. */
    go: async (error?: Error) => {
      held.shift()?.go(error);
      await setImmediate();
    },
    stored: async () => (await memory.prompts.events(promptId, 0, 10_000)).slice(1).map(({ event }) => event),
  };
}

const away = (): Error => new SallyportError('STORE_UNAVAILABLE', 'The database does not answer.');
const added = async (journal: PromptJournal, from: number, to: number): Promise<void> => {
  for (let at = from; at < to; at += 1) await journal.add([text(at)]);
};

describe('the journal of a prompt', () => {
  it('stores together what arrives while a write is under way, in order', async () => {
    const { journal, writes, go, stored } = await slowJournal();
    await added(journal, 0, 1);
    await setImmediate();
    await added(journal, 1, 50);
    const ended = journal.write([end]);
    expect(writes).toHaveLength(1);
    await go();
    await go();
    await ended;
    expect(writes.map(({ length }) => length)).toEqual([1, 50]);
    expect(await stored()).toEqual([...Array.from({ length: 50 }, (_, at) => text(at)), end]);
  });

  it('makes the caller wait while 64 events wait', async () => {
    const { journal, go } = await slowJournal();
    await added(journal, 0, 1);
    await setImmediate();
    let count = 1;
    const all = (async () => {
      for (; count < 200; count += 1) await journal.add([text(count)]);
    })();
    await setImmediate();
    expect(count).toBe(64);
    for (let writes = 0; writes < 10; writes += 1) await go();
    await all;
    expect(count).toBe(200);
  });

  it('fails the next write where one that nobody waited for has failed, and loses none that were stored', async () => {
    const { journal, go, stored } = await slowJournal();
    await added(journal, 0, 1);
    await setImmediate();
    await added(journal, 1, 3);
    await go();
    await go(away());
    await expect(journal.write([end])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const failed: PromptEvent = { type: 'prompt-end', outcome: 'failed', code: 'STORE_UNAVAILABLE' };
    const told = journal.write([failed]);
    await setImmediate();
    await go();
    await told;
    expect(await stored()).toEqual([text(0), failed]);
  });

  it('stores the end of a prompt that failed while other events waited, though an earlier write failed', async () => {
    const { journal, go, stored } = await slowJournal();
    await added(journal, 0, 1);
    await setImmediate();
    await added(journal, 1, 3);
    const ended = journal.write([end]);
    await go(away());
    await expect(ended).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    journal.hide(['a-secret-of-the-user']);
    const failed: PromptEvent = { type: 'prompt-end', outcome: 'failed', code: 'STORE_UNAVAILABLE' };
    const told = journal.write([{ ...failed, message: 'It failed: a-secret-of-the-user' }]);
    await setImmediate();
    await go();
    await told;
    const [only, ...more] = await stored();
    expect(more).toEqual([]);
    expect(only).toMatchObject({ ...failed, message: expect.not.stringContaining('a-secret-of-the-user') });
  });

  it('fails the next event, too', async () => {
    const { journal, go } = await slowJournal();
    await added(journal, 0, 1);
    await setImmediate();
    await go(away());
    await expect(journal.add([text(1)])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('takes nothing after the end', async () => {
    const { journal, go, stored } = await slowJournal();
    const ended = journal.write([text(0), end]);
    await setImmediate();
    await go();
    await ended;
    await journal.write([text(1)]);
    expect(await stored()).toEqual([text(0), end]);
  });
});
