import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { CredentialRecord, Store } from '@sallyport/core/store';
import { expect, it } from 'vitest';

import { createWorld, runPrompt, until, userId } from './world.ts';

it('a login whose row was changed in the database reaches no machine, and the audit log says so', async () => {
  const whole = createMemoryStore({ clock: systemClock });
  const alter = (record: CredentialRecord): CredentialRecord => ({
    ...record,
    facts: { ...record.facts, account: 'another@example.com' },
  });
  const credentials: Store['credentials'] = {
    ...whole.credentials,
    current: async (...args) => {
      const record = await whole.credentials.current(...args);
      return record && alter(record);
    },
    list: async (id) => (await whole.credentials.list(id)).map(alter),
  };
  const world = createWorld({ store: { ...whole, credentials } });
  const key = 'fk-canary-4711-key';
  await world.app.credentials.import({ userId, externalId: null, provider: 'fake', files: { api_key: key } });
  const end = (await runPrompt(world)).at(-1);
  expect(end).toMatchObject({ type: 'prompt-end', outcome: 'failed', code: 'CREDENTIAL_ALTERED' });
  expect(world.events.map(({ type }) => type)).not.toContain('credential.injected');
  const audited = async () =>
    (await whole.audit.list({ limit: 100 })).filter(({ type }) => type === 'credential.altered');
  await until(async () => (await audited()).length > 0, 'the audit log names it');
  expect((await audited())[0]).toMatchObject({ userId, data: { provider: 'fake', version: 1 } });
});
