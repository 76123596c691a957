import { randomUUID } from 'node:crypto';

import type { Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeHistory(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  async function newUser(store: Store): Promise<string> {
    const userId = randomUUID();
    await store.users.ensure(userId, null);
    return userId;
  }

  async function addPrompt(store: Store, userId: string, provider: string, ends: boolean): Promise<string> {
    const promptId = randomUUID();
    const prompt = { promptId, userId, host: 'host-a', provider, conversationId: null };
    await store.prompts.create(prompt, { type: 'prompt-start', promptId, provider });
    if (ends) await store.prompts.append(promptId, [{ type: 'prompt-end', outcome: 'completed' }]);
    return promptId;
  }

  async function addLogin(store: Store, userId: string, provider: string, ends: boolean): Promise<string> {
    const sessionId = randomUUID();
    const method = { method: 'browser', display: 'local', browserMachineId: null, phase: 'preparing' } as const;
    await store.sessions.create({ sessionId, userId, host: 'host-a', provider, ...method });
    const event = { type: 'done', status: 'completed', phase: 'completed', message: 'Done.' } as const;
    if (ends) await store.sessions.update(sessionId, { status: 'completed', phase: 'completed' }, event);
    return sessionId;
  }

  describe('history', () => {
    it('is erased with its events for one provider of one user, but for what still runs', async () => {
      const store = await create();
      const [userId, other] = [await newUser(store), await newUser(store)];
      const gone = await addPrompt(store, userId, 'codex', true);
      const goneLogin = await addLogin(store, userId, 'codex', true);
      const kept = [
        await addPrompt(store, userId, 'codex', false),
        await addPrompt(store, userId, 'gemini_cli', true),
        await addPrompt(store, other, 'codex', true),
      ];
      const keptLogins = [await addLogin(store, userId, 'codex', false), await addLogin(store, other, 'codex', true)];
      await expect(store.history.erase(userId, 'codex')).resolves.toBe(2);
      await expect(store.prompts.get(gone)).resolves.toBeUndefined();
      await expect(store.prompts.events(gone, 0, 10)).resolves.toEqual([]);
      await expect(store.sessions.get(goneLogin)).resolves.toBeUndefined();
      await expect(store.sessions.events(goneLogin, 0)).resolves.toEqual([]);
      for (const promptId of kept) expect((await store.prompts.events(promptId, 0, 10)).length).toBeGreaterThan(0);
      for (const sessionId of keptLogins)
        await expect(store.sessions.get(sessionId)).resolves.toMatchObject({ sessionId });
      await expect(store.history.erase(userId)).resolves.toBe(1);
      await expect(store.history.erase(userId)).resolves.toBe(0);
    });

    it('is pruned by the time of its end, in batches', async () => {
      const store = await create();
      const userId = await newUser(store);
      const running = await addPrompt(store, userId, 'codex', false);
      const ended = [await addPrompt(store, userId, 'codex', true), await addPrompt(store, userId, 'codex', true)];
      const login = await addLogin(store, userId, 'codex', true);
      const machine = { userId, role: 'browser', driver: 'fake', host: 'host-a', vcpus: 1, memoryMb: 1 } as const;
      const [present, destroyed] = [`m-${randomUUID()}`, `m-${randomUUID()}`];
      for (const machineId of [present, destroyed]) await store.machines.create({ ...machine, machineId });
      await store.machines.update(destroyed, { state: 'destroyed' });
      const isKept = async (promptId: string): Promise<boolean> => (await store.prompts.get(promptId)) !== undefined;
      await store.history.prune(3_600_000, 100);
      expect(await Promise.all(ended.map(isKept))).toEqual([true, true]);
      await expect(store.sessions.get(login)).resolves.toMatchObject({ sessionId: login });
      await expect(store.machines.get(destroyed)).resolves.toMatchObject({ state: 'destroyed' });
      while ((await store.history.prune(0, 1)) > 0);
      expect(await Promise.all([running, ...ended].map(isKept))).toEqual([true, false, false]);
      await expect(store.sessions.get(login)).resolves.toBeUndefined();
      await expect(store.machines.get(destroyed)).resolves.toBeUndefined();
      await expect(store.machines.get(present)).resolves.toMatchObject({ state: 'creating' });
    });
  });
}
