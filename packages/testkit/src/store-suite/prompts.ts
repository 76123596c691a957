import { randomUUID } from 'node:crypto';

import type { PromptEvent } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describePrompts(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const newPrompt = async (store: Store) => {
    const userId = randomUUID();
    await store.users.ensure(userId, null);
    const promptId = randomUUID();
    const prompt = { promptId, userId, host: 'host-a', provider: 'codex', conversationId: null };
    return (await store.prompts.create(prompt, start(promptId))).prompt;
  };
  const start = (promptId: string): PromptEvent => ({ type: 'prompt-start', promptId, provider: 'codex' });
  const text = (content: string): PromptEvent => ({ type: 'text', text: content });
  const end = (outcome: 'completed' | 'failed' | 'cancelled' | 'relogin-needed'): PromptEvent => ({
    type: 'prompt-end',
    outcome,
  });

  describe('prompts', () => {
    it('are listed for their host while they run', async () => {
      const store = await create();
      const prompt = await newPrompt(store);
      const isListed = async (host: string): Promise<boolean> =>
        (await store.prompts.running({ host })).some(({ promptId }) => promptId === prompt.promptId);
      expect([await isListed('host-a'), await isListed('host-b')]).toEqual([true, false]);
    });

    it('are created with the first entry of their journal', async () => {
      const store = await create();
      const promptId = randomUUID();
      const prompt = { promptId, userId: randomUUID(), host: 'host-a', provider: 'codex', conversationId: null };
      const { entry } = await store.prompts.create(prompt, start(promptId));
      expect(entry.event).toEqual(start(promptId));
      await expect(store.prompts.events(promptId, 0, 10)).resolves.toEqual([entry]);
    });

    it('run until they end', async () => {
      const store = await create();
      const prompt = await newPrompt(store);
      expect(prompt).toMatchObject({ status: 'running', conversationId: null });
      await expect(store.prompts.get(prompt.promptId)).resolves.toEqual(prompt);
      const running = async () => (await store.prompts.running()).some(({ promptId }) => promptId === prompt.promptId);
      await expect(running()).resolves.toBe(true);
      await store.prompts.append(prompt.promptId, [text('a'), end('relogin-needed')]);
      await expect(store.prompts.get(prompt.promptId)).resolves.toMatchObject({ status: 'relogin-needed' });
      await expect(running()).resolves.toBe(false);
    });

    it('stream their own events in order, from any id on, a page at a time', async () => {
      const store = await create();
      const [prompt, other] = [await newPrompt(store), await newPrompt(store)];
      const first = await store.prompts.append(prompt.promptId, [text('a'), text('b')]);
      await store.prompts.append(other.promptId, [text('x')]);
      const second = await store.prompts.append(prompt.promptId, [text('c \u0001 \u{1F511}')]);
      const all = [...first, ...second];
      const ids = all.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].toSorted((left, right) => left - right));
      const [begun, ...rest] = await store.prompts.events(prompt.promptId, 0, 100);
      expect(begun?.event).toEqual(start(prompt.promptId));
      expect(rest).toEqual(all);
      await expect(store.prompts.events(prompt.promptId, 0, 3)).resolves.toEqual([begun, ...first]);
      await expect(store.prompts.events(prompt.promptId, ids[1] ?? 0, 100)).resolves.toEqual(second);
    });

    it('take nothing after their end, neither in the same breath nor later', async () => {
      const store = await create();
      const { promptId } = await newPrompt(store);
      const taken = await store.prompts.append(promptId, [text('a'), end('completed'), text('b'), end('failed')]);
      expect(taken.map(({ event }) => event)).toEqual([text('a'), end('completed')]);
      await expect(store.prompts.append(promptId, [text('c'), end('failed')])).resolves.toEqual([]);
      await expect(store.prompts.get(promptId)).resolves.toMatchObject({ status: 'completed' });
      expect((await store.prompts.events(promptId, 0, 100)).slice(1)).toEqual(taken);
    });

    it('end once, when many try at the same time', async () => {
      const store = await create();
      const { promptId } = await newPrompt(store);
      const ends = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.prompts.append(promptId, [end(index % 2 ? 'failed' : 'cancelled')]),
        ),
      );
      expect(ends.filter((entries) => entries.length > 0).length).toBe(1);
    });

    it('that nobody knows take no events', async () => {
      const store = await create();
      await expect(store.prompts.get(randomUUID())).resolves.toBeUndefined();
      await expect(store.prompts.append(randomUUID(), [text('a')])).rejects.toMatchObject({ code: 'PROMPT_UNKNOWN' });
    });
  });
}
