import { randomUUID } from 'node:crypto';

import type { LoginEvent, PromptEvent } from '@sallyport/core';
import type { ListPage, ListPosition, ListQuery, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

interface Listed {
  readonly what: string;
  /** Adds a row of this user, which is newer than those before or of the same time, and returns the id it is listed by. */
  readonly add: (store: Store, userId: string) => Promise<string>;
  /** A page, with the ids of its rows. */
  readonly list: (store: Store, query: ListQuery) => Promise<ListPage<string>>;
}

const ended: LoginEvent = { type: 'done', status: 'cancelled', phase: 'cancelled', message: 'x' };

async function addPrompt(store: Store, userId: string, conversationId: string | null, provider = 'codex') {
  const promptId = randomUUID();
  const first: PromptEvent = { type: 'prompt-start', promptId, provider };
  return (await store.prompts.create({ promptId, userId, host: 'host-a', provider, conversationId }, first)).prompt;
}

const lists: readonly Listed[] = [
  {
    what: 'sessions',
    add: async (store, userId) => {
      const sessionId = randomUUID();
      const session = { sessionId, userId, host: 'host-a', provider: 'codex', method: 'browser', phase: 'preparing' };
      await store.sessions.create({ ...session, display: 'local', browserMachineId: null });
      await store.sessions.update(sessionId, { status: 'cancelled', errorCode: 'LOGIN_CANCELLED' }, ended);
      return sessionId;
    },
    list: async (store, query) => {
      const { items, next } = await store.sessions.list(query);
      return { items: items.map(({ sessionId }) => sessionId), next };
    },
  },
  {
    what: 'prompts',
    add: async (store, userId) => (await addPrompt(store, userId, null)).promptId,
    list: async (store, query) => {
      const { items, next } = await store.prompts.list(query);
      return { items: items.map(({ promptId }) => promptId), next };
    },
  },
  {
    what: 'conversations',
    add: async (store, userId) => {
      const conversationId = randomUUID();
      await addPrompt(store, userId, conversationId);
      return conversationId;
    },
    list: async (store, query) => {
      const { items, next } = await store.prompts.conversations(query);
      return { items: items.map(({ conversationId }) => conversationId), next };
    },
  },
];

/** Lists that are read in pages. */
export function describeLists(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  for (const { what, add, list } of lists) {
    describe(`the list of ${what}`, () => {
      it('shows the rows of the user, the newest first, and no row of another', async () => {
        const store = await create();
        const [ada, bob] = [randomUUID(), randomUUID()];
        expect(await list(store, { userId: ada, limit: 10 })).toEqual({ items: [], next: undefined });
        const ids = [await add(store, ada), await add(store, ada)];
        const other = await add(store, bob);
        const { items, next } = await list(store, { userId: ada, limit: 2 });
        expect(items.toSorted()).toEqual(ids.toSorted());
        expect(next).toBe(undefined);
        expect(await list(store, { userId: bob, limit: 10 })).toEqual({ items: [other], next: undefined });
        expect(await list(store, { userId: "no'user", limit: 10 })).toEqual({ items: [], next: undefined });
      });

      it('is read in pages, each row once and in order, while new rows arrive', async () => {
        const store = await create();
        const [userId, other] = [randomUUID(), randomUUID()];
        for (let index = 0; index < 7; index += 1) await add(store, userId);
        await add(store, other);
        const whole = await list(store, { userId, limit: 100 });
        expect(new Set(whole.items).size).toBe(7);
        const read: string[] = [];
        // Where many rows have the same time, one that arrives can belong behind the position.
        const late: string[] = [];
        let after: ListPosition | undefined;
        do {
          const page = await list(store, { userId, limit: 3, after });
          read.push(...page.items);
          after = page.next;
          late.push(await add(store, userId));
        } while (after !== undefined);
        expect(new Set(read).size).toBe(read.length);
        expect(read.filter((id) => !late.includes(id))).toEqual(whole.items);
      });

      it('begins behind a position whose row is gone', async () => {
        const store = await create();
        const userId = randomUUID();
        await add(store, userId);
        const after = { time: '2000-01-01T00:00:00.000000Z', id: randomUUID() };
        expect(await list(store, { userId, limit: 10, after })).toEqual({ items: [], next: undefined });
        const future = { time: '9999-01-01T00:00:00.000000Z', id: randomUUID() };
        expect((await list(store, { userId, limit: 10, after: future })).items.length).toBe(1);
      });
    });
  }

  describe('conversations', () => {
    it('have the prompts of one user and provider with the same id', async () => {
      const store = await create();
      const [ada, bob] = [randomUUID(), randomUUID()];
      const first = await addPrompt(store, ada, 'c-1');
      const last = await addPrompt(store, ada, 'c-1');
      await addPrompt(store, ada, 'c-1', 'claude_code');
      await addPrompt(store, bob, 'c-1');
      await addPrompt(store, ada, null);
      const { items } = await store.prompts.conversations({ userId: ada, limit: 10 });
      expect(items.length).toBe(2);
      expect(items.find(({ provider }) => provider === 'codex')).toEqual({
        conversationId: 'c-1',
        provider: 'codex',
        createdAt: first.createdAt,
        lastPromptAt: last.createdAt,
        prompts: 2,
      });
    });

    it('are known by the id that the CLI tells, if a prompt may name it', async () => {
      const store = await create();
      const { promptId, userId } = await addPrompt(store, randomUUID(), null);
      const tell = (conversationId: string) =>
        store.prompts.append(promptId, [{ type: 'conversation', conversationId }]);
      const told = async () => (await store.prompts.get(promptId))?.conversationId;
      await tell('no id');
      expect(await told()).toBe(null);
      await tell('c-1');
      await tell('no\0id');
      await store.prompts.append(promptId, [{ type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED' }]);
      await tell('c-2');
      expect(await told()).toBe('c-1');
      const { items } = await store.prompts.conversations({ userId, limit: 10 });
      expect(items.map(({ conversationId }) => conversationId)).toEqual(['c-1']);
      const [prompt] = (await store.prompts.list({ userId, limit: 10 })).items;
      expect(prompt).toMatchObject({ promptId, status: 'failed', errorCode: 'PROMPT_FAILED', conversationId: 'c-1' });
      expect(prompt?.endedAt instanceof Date).toBe(true);
    });
  });
}
