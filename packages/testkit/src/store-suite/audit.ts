import { randomUUID } from 'node:crypto';

import type { AuditStore, AuditType, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

/** A store may serve other tests too: each asks for its own users alone. */
export function describeAudit(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const start = 1_700_000_000_000;
  const add = (audit: AuditStore, userId: string | null, second: number, type: AuditType = 'login.started') =>
    audit.append({ at: new Date(start + second * 1000), type, userId, data: { second } });
  const seconds = (entries: Awaited<ReturnType<AuditStore['list']>>) => entries.map(({ data }) => data['second']);

  describe('the audit log', () => {
    it('gives back what was appended, the newest first', async () => {
      const { audit } = await create();
      const userId = randomUUID();
      await add(audit, userId, 0);
      await add(audit, userId, 2, 'login.failed');
      await add(audit, userId, 1);
      const [newest, ...others] = await audit.list({ limit: 10, userId });
      expect(newest).toEqual({
        id: newest?.id,
        at: new Date(start + 2000),
        type: 'login.failed',
        userId,
        data: { second: 2 },
      });
      expect(/^[1-9][0-9]*$/.test(newest?.id ?? '')).toBe(true);
      expect(seconds(others)).toEqual([1, 0]);
      expect((await audit.list({ limit: 1 })).length).toBe(1);
    });

    it('is read in pages, each entry once, also where many have the same time or come meanwhile', async () => {
      const { audit } = await create();
      const userId = randomUUID();
      for (let index = 0; index < 7; index += 1) await add(audit, userId, index < 5 ? 1 : 0);
      const ids = (await audit.list({ limit: 100, userId })).map(({ id }) => id);
      expect(new Set(ids).size).toBe(7);
      const read: string[] = [];
      for (;;) {
        const page = await audit.list({ limit: 2, userId, before: read.at(-1) });
        if (page.length === 0) break;
        read.push(...page.map(({ id }) => id));
        await add(audit, userId, 1);
      }
      expect(read).toEqual(ids);
    });

    it('is filtered by user, type and time, each alone and together', async () => {
      const { audit } = await create();
      const [ada, bob] = [randomUUID(), randomUUID()];
      await add(audit, ada, 0, 'prompt.started');
      await add(audit, ada, 1, 'prompt.ended');
      await add(audit, bob, 2, 'prompt.started');
      await add(audit, ada, 3, 'prompt.started');
      await add(audit, null, 4, 'prompt.started');
      expect(seconds(await audit.list({ limit: 10, userId: ada }))).toEqual([3, 1, 0]);
      expect(seconds(await audit.list({ limit: 10, userId: ada, type: 'prompt.started' }))).toEqual([3, 0]);
      const since = new Date(start + 1000);
      expect(seconds(await audit.list({ limit: 10, userId: ada, since }))).toEqual([3, 1]);
      expect(seconds(await audit.list({ limit: 10, userId: ada, type: 'prompt.started', since }))).toEqual([3]);
      expect(seconds(await audit.list({ limit: 1, userId: ada, type: 'prompt.started' }))).toEqual([3]);
      expect(
        (await audit.list({ limit: 100, type: 'prompt.ended' })).every(({ type }) => type === 'prompt.ended'),
      ).toBe(true);
      const [newest] = await audit.list({ limit: 10, userId: ada });
      expect(seconds(await audit.list({ limit: 10, before: newest?.id, userId: ada, since }))).toEqual([1]);
      expect(await audit.list({ limit: 10, userId: ada, type: "no'type" })).toEqual([]);
      expect(await audit.list({ limit: 10, userId: "no'user" })).toEqual([]);
      expect(await audit.list({ limit: 10, since: new Date('9999-01-01') })).toEqual([]);
    });

    it('refuses a cursor that is not the id of an entry', async () => {
      const { audit } = await create();
      for (const before of ['0', '-1', '999999999999999', '99999999999999999999', '1; select', '']) {
        await expect(audit.list({ limit: 1, before })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
      }
    });

    it('keeps the entries of a user who was erased', async () => {
      const { audit, users } = await create();
      const userId = randomUUID();
      await users.ensure(userId, null);
      await add(audit, userId, 0);
      await users.erase(userId);
      expect(seconds(await audit.list({ limit: 10, userId }))).toEqual([0]);
    });
  });
}
