import { randomUUID } from 'node:crypto';

import type { AuditType, NewAuditEntry, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

/** A change and its entry in the audit log are stored together, or neither is. */
export function describeAuditedChanges(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  async function newUser(store: Store) {
    const userId = randomUUID();
    await store.users.ensure(userId, null);
    const entry = (type: AuditType, note: string): NewAuditEntry => ({
      at: new Date(1_700_000_000_000),
      type,
      userId,
      data: { note },
    });
    const notes = async (): Promise<readonly unknown[]> =>
      (await store.audit.list({ limit: 100, userId }))
        .map(({ type, data }) => `${type} ${JSON.stringify(data['note'])}`)
        .toReversed();
    return { userId, entry, notes };
  }

  describe('an audited change', () => {
    it('of a login is written with it, and not if there is no live login', async () => {
      const store = await create();
      const { userId, entry, notes } = await newUser(store);
      const session = {
        sessionId: randomUUID(),
        userId,
        host: 'host-a',
        provider: 'codex',
        method: 'browser',
        display: 'local',
        browserMachineId: null,
        phase: 'accepted',
      } as const;
      await store.sessions.create(session, entry('login.started', 'first'));
      await expect(
        store.sessions.create({ ...session, sessionId: randomUUID() }, entry('login.started', 'rival')),
      ).rejects.toMatchObject({ code: 'LOGIN_IN_PROGRESS' });
      const failed = { status: 'failed', phase: 'failed' } as const;
      const done = { type: 'done', ...failed, message: 'It failed.' } as const;
      await store.sessions.update(session.sessionId, failed, done, entry('login.failed', 'first'));
      await store.sessions.update(session.sessionId, failed, done, entry('login.failed', 'again'));
      await store.sessions.update(randomUUID(), failed, done, entry('login.failed', 'unknown'));
      expect(await notes()).toEqual(['login.started "first"', 'login.failed "first"']);
    });

    it('of a prompt is written with it, and not after its end', async () => {
      const store = await create();
      const { userId, entry, notes } = await newUser(store);
      const promptId = randomUUID();
      const prompt = { promptId, userId, host: 'host-a', provider: 'codex', conversationId: null };
      await store.prompts.create(
        prompt,
        { type: 'prompt-start', promptId, provider: 'codex' },
        entry('prompt.started', 'a'),
      );
      await store.prompts.append(promptId, [{ type: 'text', text: 'hello' }]);
      const end = { type: 'prompt-end', outcome: 'completed' } as const;
      await store.prompts.append(promptId, [end], entry('prompt.ended', 'a'));
      await store.prompts.append(promptId, [end], entry('prompt.ended', 'again'));
      expect(await notes()).toEqual(['prompt.started "a"', 'prompt.ended "a"']);
    });

    it('of a machine is written with it, and not if there is no such machine', async () => {
      const store = await create();
      const { userId, entry, notes } = await newUser(store);
      const machineId = `m-${randomUUID().slice(0, 18)}`;
      await store.machines.create({
        machineId,
        userId,
        role: 'cli',
        driver: 'process',
        host: 'h',
        vcpus: 1,
        memoryMb: 1,
      });
      await store.machines.update(machineId, { state: 'running' }, entry('machine.state', 'running'));
      await expect(
        store.machines.update('m-none', { state: 'running' }, entry('machine.state', 'unknown')),
      ).rejects.toMatchObject({ code: 'MACHINE_UNKNOWN' });
      expect(await notes()).toEqual(['machine.state "running"']);
    });

    it('of a credential or a user is written with it, and not if it is too late or there is none', async () => {
      const store = await create();
      const { userId, entry, notes } = await newUser(store);
      const version = {
        credentialId: randomUUID(),
        userId,
        provider: 'codex',
        sha256: randomUUID().replaceAll('-', '').repeat(2),
        facts: { kind: 'plan', blank: false },
        sealed: {
          ciphertext: Uint8Array.of(1),
          iv: 'iv',
          tag: 'tag',
          salt: null,
          wrappedKey: Uint8Array.of(2),
          keyId: 'k1',
        },
      } as const;
      await store.credentials.append(version, 0, entry('credential.stored', '1'));
      await expect(store.credentials.append(version, 0, entry('credential.stored', 'too late'))).rejects.toMatchObject({
        code: 'CREDENTIAL_STALE',
      });
      await store.credentials.setValid(userId, 'codex', false, 'refused', entry('credential.invalid', '1'));
      await store.credentials.setValid(userId, 'claude_code', false, 'refused', entry('credential.invalid', 'none'));
      await store.credentials.erase(userId, 'codex', entry('credential.erased', '1'));
      await store.credentials.erase(userId, 'codex', entry('credential.erased', 'again'));
      await store.users.erase(userId, entry('user.erased', '1'));
      await store.users.erase(userId, entry('user.erased', 'again'));
      expect(await notes()).toEqual([
        'credential.stored "1"',
        'credential.invalid "1"',
        'credential.erased "1"',
        'user.erased "1"',
      ]);
    });
  });
}
