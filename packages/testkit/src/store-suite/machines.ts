import { randomUUID } from 'node:crypto';

import type { Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeMachines(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const newMachine = async (store: Store, host = 'h-1') => {
    const userId = randomUUID();
    await store.users.ensure(userId, null);
    const machineId = `m-${randomUUID().slice(0, 18)}`;
    return { machineId, userId, role: 'cli' as const, driver: 'process', host, vcpus: 1, memoryMb: 512 };
  };

  describe('machines', () => {
    it('are written down before they exist', async () => {
      const store = await create();
      const machine = await newMachine(store);
      const made = await store.machines.create(machine);
      expect(made).toMatchObject({ ...machine, state: 'creating', epoch: 1, injected: {}, destroyedAt: null });
      await expect(store.machines.get(machine.machineId)).resolves.toEqual(made);
      await expect(store.machines.get('m-none')).resolves.toBeUndefined();
      await expect(store.machines.create(machine)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    });

    it('become the machine of their user by the same write, or not', async () => {
      const store = await create();
      const machine = await newMachine(store);
      const current = async () => (await store.users.get(machine.userId))?.machineId;
      await store.machines.create({ ...machine, machineId: `${machine.machineId}-other` });
      expect(await current()).toBe(null);
      await store.machines.create(machine, { asCurrent: true });
      expect(await current()).toBe(machine.machineId);
      const again = store.machines.create({ ...machine, machineId: `${machine.machineId}-other` }, { asCurrent: true });
      await expect(again).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
      expect(await current()).toBe(machine.machineId);
    });

    it('change their state and what lies on their disk, each alone', async () => {
      const store = await create();
      const { machineId } = await store.machines.create(await newMachine(store));
      await store.machines.update(machineId, { state: 'running' });
      await store.machines.update(machineId, { injected: { codex: 3 } });
      await expect(store.machines.get(machineId)).resolves.toMatchObject({ state: 'running', injected: { codex: 3 } });
      await store.machines.update(machineId, { state: 'destroyed', injected: {} });
      const destroyed = await store.machines.get(machineId);
      expect(destroyed).toMatchObject({ state: 'destroyed', injected: {} });
      expect(destroyed?.destroyedAt instanceof Date).toBe(true);
      const unknown = store.machines.update('m-none', { state: 'lost' });
      await expect(unknown).rejects.toMatchObject({ code: 'MACHINE_UNKNOWN' });
    });

    it('note what is injected for one provider alone, and for a holder only while it is one', async () => {
      const store = await create();
      const machine = await newMachine(store);
      const { machineId, userId } = machine;
      await store.machines.create(machine);
      const injected = async () => (await store.machines.get(machineId))?.injected;
      await Promise.all([
        store.machines.noteInjected(machineId, 'codex', 3),
        store.machines.noteInjected(machineId, 'claude_code', 5),
      ]);
      expect(await injected()).toEqual({ codex: 3, claude_code: 5 });
      await store.machines.noteInjected(machineId, 'claude_code', null);
      await store.machines.noteInjected(machineId, 'gemini_cli', null);
      expect(await injected()).toEqual({ codex: 3 });
      await store.machines.noteInjected(machineId, 'codex', 4, { byHolder: true });
      expect(await injected()).toEqual({ codex: 3 });
      const sealed = { ciphertext: Uint8Array.of(1), iv: 'iv', tag: 'tag', salt: null, wrappedKey: Uint8Array.of(2) };
      const facts = { kind: 'plan', blank: false } as const;
      const version = { credentialId: randomUUID(), userId, provider: 'codex', sha256: 'a'.repeat(64), facts };
      await store.credentials.append({ ...version, sealed: { ...sealed, keyId: 'k1' } }, 0);
      await store.credentials.lease(userId, 'codex', { machineId });
      await store.machines.noteInjected(machineId, 'codex', 4, { byHolder: true });
      expect(await injected()).toEqual({ codex: 4 });
      await store.machines.noteInjected('m-none', 'codex', 4);
    });

    it('are listed by user and by host', async () => {
      const store = await create();
      const host = `h-${randomUUID()}`;
      const first = await store.machines.create(await newMachine(store, host));
      const second = await store.machines.create(await newMachine(store, host));
      await store.machines.create(await newMachine(store));
      const ids = async (filter: { userId?: string; host?: string }) =>
        (await store.machines.list(filter)).map(({ machineId }) => machineId).toSorted();
      await expect(ids({ host })).resolves.toEqual([first.machineId, second.machineId].toSorted());
      await expect(ids({ userId: first.userId })).resolves.toEqual([first.machineId]);
      await expect(ids({ userId: first.userId, host: 'h-none' })).resolves.toEqual([]);
      await store.machines.update(first.machineId, { state: 'lost' });
      await store.machines.update(second.machineId, { state: 'destroyed' });
      await expect(ids({ host })).resolves.toEqual([first.machineId]);
      await expect(ids({ userId: second.userId })).resolves.toEqual([]);
    });

    it('get a new epoch each time, also when many ask at once', async () => {
      const store = await create();
      const { machineId } = await store.machines.create(await newMachine(store));
      const epochs = await Promise.all(Array.from({ length: 10 }, () => store.machines.nextEpoch(machineId)));
      expect(epochs.toSorted((left, right) => left - right)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      await expect(store.machines.get(machineId)).resolves.toMatchObject({ epoch: 11 });
      await expect(store.machines.nextEpoch('m-none')).rejects.toMatchObject({ code: 'MACHINE_UNKNOWN' });
    });
  });
}
