import { createHash, randomBytes } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { systemClock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import { createMemoryRollbackGuard } from '../contracts/rollback-guard.ts';
import type { CredentialRecord, CredentialStore } from '../contracts/store.ts';
import { credentialItemSchema } from '../provider/credential-item.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { encodeBundle } from './bundle.ts';
import type { LedgerProvider } from './examine.ts';
import { createLedger } from './ledger.ts';
import { createLocalKeyRing } from './local-key-ring.ts';

const userId = '0190b5a4-7c1d-7e3f-8a9b-0c1d2e3f4a5b';
const item = credentialItemSchema.parse({
  as: 'file',
  id: 'auth',
  role: 'secret',
  format: 'json',
  rotates: true,
  require: ['/token'],
  write: 'replace',
  paths: { browser: '~/.x/auth.json', cli: '~/.x/auth.json' },
});
const altered = { code: 'CREDENTIAL_ALTERED', hint: expect.stringContaining('database') };
const lineageOf = (token: string): string => createHash('sha256').update(token).digest('hex');

interface Given {
  readonly account?: string;
  /** What reading the database changes, as if an attacker had written to it. */
  readonly change?: (record: CredentialRecord) => Partial<CredentialRecord>;
}

function setup(given: Given = {}) {
  let change: Given['change'];
  const account = given.account ?? 'a@example.com';
  const { credentials: stored } = createMemoryStore({ clock: systemClock });
  const credentials: CredentialStore = {
    ...stored,
    current: async (...args) => {
      const record = await stored.current(...args);
      return record && { ...record, ...change?.(record) };
    },
  };
  let loginExpiresAt = 5;
  const provider: LedgerProvider = {
    manifest: { title: 'Example', credentials: [item] },
    inspect: ({ auth }) => {
      const { token }: { token: string } = JSON.parse(auth ?? '');
      return { kind: 'plan', blank: false, account, issuedAt: 1, loginExpiresAt, lineage: lineageOf(token) };
    },
  };
  const keyRing = createLocalKeyRing({ keys: { k1: new Secret(randomBytes(32)) }, current: 'k1' });
  const rollbackGuard = createMemoryRollbackGuard();
  const noticed: unknown[] = [];
  const ledger = createLedger({
    store: { credentials },
    keyRing,
    rollbackGuard,
    registry: { get: () => provider },
    onAltered: (found) => noticed.push(found),
  });
  const offer = (token: string, reason: 'login' | 'rotation', machineId?: string) =>
    ledger.offer({
      userId,
      provider: 'example',
      files: { auth: JSON.stringify({ token }) },
      reason,
      ...(machineId !== undefined && { machineId }),
    });
  return {
    stored,
    keyRing,
    rollbackGuard,
    noticed,
    offer,
    read: () => ledger.read(userId, 'example'),
    lease: () => ledger.release({ userId, provider: 'example', machineId: 'm-1', diskNonce: 'nonce' }),
    write: (next: NonNullable<Given['change']>) => {
      change = next;
    },
    /** A release of the provider that dates logins in another way. */
    upgrade: () => {
      loginExpiresAt = 99;
    },
  };
}

describe('a row that was changed in the database', () => {
  it.each<[string, NonNullable<Given['change']>]>([
    ['account', ({ facts }) => ({ facts: { ...facts, account: 'b@example.com' } })],
    ['kind', ({ facts }) => ({ facts: { ...facts, kind: 'api-key' } })],
    ['end of the login', ({ facts }) => ({ facts: { ...facts, loginExpiresAt: 6 } })],
    ['lineage', ({ facts }) => ({ facts: { ...facts, lineage: lineageOf('other') } })],
    ['rotation', ({ facts }) => ({ facts: { ...facts, rotates: false } })],
    ['account, removed', ({ facts: { account: _account, ...facts } }) => ({ facts })],
    ['hash', () => ({ sha256: 'a'.repeat(64) })],
  ])('is noticed at its next use by its %s, and changes nothing', async (_what, change) => {
    const { stored, rollbackGuard, noticed, offer, read, lease, write } = setup();
    await offer('one', 'login');
    const before = await rollbackGuard.recall(userId, 'example');
    write(change);
    await expect(read()).rejects.toMatchObject(altered);
    await expect(lease()).rejects.toMatchObject(altered);
    expect(noticed).toEqual(Array.from({ length: 2 }, () => ({ userId, provider: 'example', version: 1 })));
    expect(await stored.holder(userId, 'example')).toBeUndefined();
    expect(await rollbackGuard.recall(userId, 'example')).toEqual(before);
    await expect(offer('two', 'login')).resolves.toMatchObject({ outcome: 'stored', version: 2 });
    write(() => ({}));
    await expect(read()).resolves.toMatchObject({ version: 2 });
  });

  it('does not pass an older version off as the newest one by its lineage', async () => {
    const { stored, offer, read, lease, write } = setup();
    await offer('one', 'login');
    await lease();
    const old = await stored.current(userId, 'example');
    await offer('two', 'rotation', 'm-1');
    write(({ facts }) => ({ ...old, facts: { ...facts, lineage: lineageOf('two') } }));
    await expect(lease()).rejects.toMatchObject(altered);
    // The true old row is still recognized as old: nothing was noted of the other.
    write(() => ({ ...old }));
    await expect(read()).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
  });
});

describe('facts that are sealed with the credential', () => {
  it('stay valid when a later release of the provider reads others', async () => {
    const { offer, read, upgrade } = setup();
    await offer('one', 'login');
    upgrade();
    await expect(read()).resolves.toMatchObject({ facts: { loginExpiresAt: 5 } });
  });

  it('are compared as a database keeps text, without NUL and half characters', async () => {
    const { offer, read, write } = setup({ account: 'a\0b\ud83d\u{1F511}' });
    await offer('one', 'login');
    write(({ facts }) => ({ facts: { ...facts, account: 'a\ufffdb\ufffd\u{1F511}' } }));
    await expect(read()).resolves.toMatchObject({ version: 1 });
  });
});

describe('a credential from before facts were sealed', () => {
  async function old() {
    const world = setup();
    await world.offer('one', 'login');
    const record = await world.stored.current(userId, 'example');
    if (!record) throw new Error('nothing is stored');
    const binding = { recordId: record.credentialId, userId, provider: 'example', version: 1 };
    const plain = new Secret(encodeBundle({ files: { auth: JSON.stringify({ token: 'one' }) } }));
    const sealed = await world.keyRing.seal(plain, binding);
    world.write(() => ({ sealed }));
    return { ...world, sealed };
  }

  it('still opens, also if its facts are fewer than those of today or date it otherwise', async () => {
    const { read, write, sealed } = await old();
    await expect(read()).resolves.toMatchObject({ version: 1 });
    write(({ facts: { lineage: _lineage, ...facts } }) => ({ sealed, facts: { ...facts, loginExpiresAt: 7 } }));
    await expect(read()).resolves.toMatchObject({ version: 1 });
  });

  it.each<[string, Partial<CredentialRecord['facts']>]>([
    ['kind', { kind: 'api-key' }],
    ['lineage', { lineage: lineageOf('other') }],
    ['rotation', { rotates: false }],
  ])('is refused when its %s differs from what it holds', async (_what, facts) => {
    const { read, write, sealed } = await old();
    write((record) => ({ sealed, facts: { ...record.facts, ...facts } }));
    await expect(read()).rejects.toMatchObject(altered);
  });
});
