import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import { systemClock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { CredentialSummary } from '../contracts/credential-summary.ts';
import { credentialItemSchema } from '../provider/credential-item.ts';
import { Secret } from '../base/secret.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { CredentialStore } from '../contracts/store.ts';
import { createLedger } from './ledger.ts';
import type { LedgerProvider } from './examine.ts';
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
const provider: LedgerProvider = {
  manifest: { title: 'Example', credentials: [item] },
  inspect: ({ auth }) => {
    const { token, at }: { token: string; at: number } = JSON.parse(auth ?? '');
    if (token === 'explode') throw new Error(`cannot read ${token}`);
    return { kind: 'plan', blank: token === 'blank', issuedAt: at };
  },
};
const files = (token: string, at = 1) => ({ auth: JSON.stringify({ token, at }) });

function setup(wrap: (credentials: CredentialStore) => CredentialStore = (credentials) => credentials) {
  const store = createMemoryStore({ clock: systemClock });
  const credentials = wrap(store.credentials);
  const keyRing = createLocalKeyRing({ keys: { k1: new Secret(randomBytes(32)) }, current: 'k1' });
  const ledger = createLedger({ store: { credentials }, keyRing, registry: { get: () => provider } });
  const login = (token: string, at = 1) =>
    ledger.offer({ userId, provider: 'example', files: files(token, at), reason: 'login' });
  const rotate = (token: string, at: number, machineId = 'm-1') =>
    ledger.offer({ userId, provider: 'example', files: files(token, at), reason: 'rotation', machineId });
  const lease = (machineId = 'm-1') => ledger.release({ userId, provider: 'example', machineId, diskNonce: 'nonce' });
  const read = async () => (await ledger.read(userId, 'example')).files.reveal();
  return { store, credentials, ledger, login, rotate, lease, read };
}

describe('the ledger', () => {
  it('gives back what was stored, in the newest version', async () => {
    const { credentials, login, rotate, lease, read } = setup();
    await expect(login('one')).resolves.toMatchObject({ outcome: 'stored', version: 1, facts: { issuedAt: 1 } });
    await lease();
    await expect(rotate('two', 2)).resolves.toMatchObject({ outcome: 'stored', version: 2 });
    await expect(read()).resolves.toEqual(files('two', 2));
    await expect(credentials.list(userId)).resolves.toMatchObject([{ provider: 'example', version: 2, valid: true }]);
  });

  it('never takes a rotated version back', async () => {
    const { login, rotate, lease, read } = setup();
    await login('one');
    await lease();
    await rotate('two', 2);
    await expect(rotate('one', 1)).resolves.toMatchObject({ outcome: 'refused', why: 'stale' });
    await expect(login('one')).resolves.toMatchObject({ outcome: 'refused', why: 'stale' });
    await expect(read()).resolves.toEqual(files('two', 2));
  });

  it('takes a repeated offer as the duplicate it is', async () => {
    const { credentials, login, rotate, lease } = setup();
    await login('one');
    await lease();
    await rotate('two', 2);
    await expect(rotate('two', 2)).resolves.toMatchObject({ outcome: 'duplicate', version: 2 });
    await expect(credentials.list(userId)).resolves.toMatchObject([{ version: 2 }]);
  });

  it('stores nothing that is blank, half-written, or that its provider cannot read', async () => {
    const { login, ledger } = setup();
    const half = { userId, provider: 'example', files: { auth: '{"token":"x' }, reason: 'login' } as const;
    await expect(login('blank')).resolves.toMatchObject({ outcome: 'refused', why: 'blank' });
    await expect(ledger.offer(half)).resolves.toMatchObject({ why: 'incomplete', problem: 'auth: truncated' });
    await expect(login('x'.repeat(262_145))).resolves.toMatchObject({ problem: 'auth: too large' });
    const unread = await login('explode');
    expect(unread).toMatchObject({ why: 'incomplete' });
    expect(inspect(unread)).not.toContain('explode');
    await expect(ledger.read(userId, 'example')).rejects.toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
  });

  it('keeps nothing the manifest does not name', async () => {
    const { ledger, read } = setup();
    const extra = { ...files('one'), note: 'planted' };
    await ledger.offer({ userId, provider: 'example', files: extra, reason: 'login' });
    await expect(read()).resolves.toEqual(files('one'));
  });

  it('leases a login to one machine, and refuses what any other machine brings', async () => {
    const { ledger, login, rotate, lease } = setup();
    await login('one');
    await expect(rotate('early', 2)).resolves.toMatchObject({ outcome: 'refused', why: 'stale' });
    await lease('m-1');
    await expect(lease('m-2')).rejects.toMatchObject({ code: 'CREDENTIAL_LEASED' });
    await expect(rotate('other', 3, 'm-2')).resolves.toMatchObject({ outcome: 'refused', why: 'stale' });
    await ledger.giveBack({ userId, provider: 'example', machineId: 'm-1' });
    await expect(lease('m-2')).resolves.toMatchObject({ version: 1 });
  });

  it('does not let the machine of an old login overwrite a new one', async () => {
    const { login, rotate, lease, read } = setup();
    await login('one');
    await lease();
    await login('new family', 2);
    await expect(rotate('old family', 3)).resolves.toMatchObject({ outcome: 'refused', why: 'stale' });
    await expect(read()).resolves.toEqual(files('new family', 2));
    await lease();
    await expect(rotate('new family rotated', 4)).resolves.toMatchObject({ outcome: 'stored', version: 3 });
  });

  it('does not lease what cannot be given out', async () => {
    const { ledger, login, lease, store } = setup();
    await login('one');
    await ledger.markInvalid({ userId, provider: 'example', reason: 'refused' });
    await expect(lease()).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
    await expect(store.credentials.holder(userId, 'example')).resolves.toBeUndefined();
  });

  it('gives out no refused login until the user logs in again', async () => {
    const { ledger, login, rotate, lease, read } = setup();
    await login('one');
    await lease();
    await expect(ledger.markInvalid({ userId, provider: 'example', reason: 'refused', version: 1 })).resolves.toBe(
      true,
    );
    await rotate('two', 2);
    await expect(read()).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID', message: /Example/ });
    await login('three', 3);
    await expect(read()).resolves.toEqual(files('three', 3));
    await expect(ledger.markInvalid({ userId, provider: 'example', reason: 'refused', version: 2 })).resolves.toBe(
      false,
    );
    await expect(read()).resolves.toEqual(files('three', 3));
  });

  it('does not bring an erased login back by a late rotation', async () => {
    const { credentials, ledger, login, rotate, lease } = setup();
    await login('one');
    await lease();
    await ledger.erase(userId, 'example');
    await expect(rotate('two', 2)).resolves.toMatchObject({ outcome: 'refused', why: 'stale' });
    await expect(credentials.list(userId)).resolves.toEqual([]);
    await expect(login('one')).resolves.toMatchObject({ outcome: 'stored', version: 1 });
  });

  it('keeps a login that is stored while the one before is erased', async () => {
    const held = Promise.withResolvers<void>();
    const { ledger, login, lease, read } = setup((credentials) => ({
      ...credentials,
      erase: async (...erased) => {
        await credentials.erase(...erased);
        await held.promise;
      },
    }));
    await login('zero', 0);
    await login('one', 1);
    const erased = ledger.erase(userId, 'example');
    const stored = login('two', 2);
    await setImmediate();
    held.resolve();
    await Promise.all([erased, stored]);
    await lease();
    await expect(read()).resolves.toEqual(files('two', 2));
    expect(await ledger.standing(userId, 'example')).toMatchObject({ rolledBack: false });
  });

  it('ends with the newest of many rotations that come at once', async () => {
    const { login, rotate, lease, read } = setup();
    await login('start', 0);
    await lease();
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map((at) => rotate(`t${at}`, at)));
    expect(outcomes.some(({ outcome }) => outcome === 'stored')).toBe(true);
    await expect(read()).resolves.toEqual(files('t5', 5));
  });

  it('gives up after some attempts when the store always says that another was faster', async () => {
    let attempts = 0;
    const { login } = setup((credentials) => ({
      ...credentials,
      append: async () => {
        attempts += 1;
        throw new SallyportError('CREDENTIAL_STALE', 'another was faster');
      },
    }));
    await expect(login('one')).rejects.toMatchObject({ code: 'CREDENTIAL_STALE' });
    expect(attempts).toBe(8);
  });

  it('does not open a row that was swapped, rolled back or moved to another user', async () => {
    const { store, login, ledger, rotate, lease } = setup();
    await login('one');
    const first = await store.credentials.current(userId, 'example');
    await lease();
    await rotate('two', 2);
    if (!first) throw new Error('nothing was stored');
    const stolen = { ...first, userId: 'thief' };
    await store.credentials.append(stolen, 0);
    await expect(ledger.read('thief', 'example')).rejects.toMatchObject({ code: 'CREDENTIAL_UNREADABLE' });
    await store.credentials.append({ ...first, sha256: 'rolled back' }, 2);
    await expect(ledger.read(userId, 'example')).rejects.toMatchObject({ code: 'CREDENTIAL_UNREADABLE' });
  });

  it('does not give out a version that ended, though its row says that it may be used', async () => {
    const { store, login, ledger, read } = setup();
    await login('one');
    await ledger.markInvalid({ userId, provider: 'example', reason: 'refused' });
    await store.credentials.setValid(userId, 'example', true);
    await expect(read()).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
    await expect(ledger.standing(userId, 'example')).resolves.toMatchObject({ valid: false, invalidReason: 'refused' });
    await login('two', 2);
    await expect(read()).resolves.toEqual(files('two', 2));
  });

  it('gives out a version again that was taken for lost, once its machine is back with it', async () => {
    const { login, lease, rotate, ledger, read } = setup();
    await login('one');
    await lease();
    await ledger.markInvalid({ userId, provider: 'example', reason: 'lost' });
    await expect(read()).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
    await expect(rotate('one', 1)).resolves.toMatchObject({ outcome: 'duplicate' });
    await expect(read()).resolves.toEqual(files('one', 1));
  });

  it('shows no secret, whatever is printed', async () => {
    const { ledger, login, store } = setup();
    await login('canary-7f3a');
    const shown = [await ledger.read(userId, 'example'), await store.credentials.list(userId)];
    for (const form of [inspect(shown, { depth: 9 }), JSON.stringify(shown)]) expect(form).not.toContain('canary-7f3a');
  });
});

describe('the gate before storing', () => {
  const refuse = async (): Promise<never> => {
    throw new SallyportError('CREDENTIAL_REFUSED', 'not this account');
  };

  it('refuses a login, and nothing is stored', async () => {
    const { credentials, ledger } = setup();
    const offer = { userId, provider: 'example', files: files('one'), reason: 'login', beforeStore: refuse } as const;
    await expect(ledger.offer(offer)).rejects.toMatchObject({ code: 'CREDENTIAL_REFUSED' });
    await expect(credentials.list(userId)).resolves.toEqual([]);
  });

  it('cannot refuse a rotation: the version before it is dead', async () => {
    const { ledger, login, lease, read } = setup();
    await login('one');
    await lease();
    const offer = {
      userId,
      provider: 'example',
      files: files('two', 2),
      reason: 'rotation',
      machineId: 'm-1',
    } as const;
    const outcome = await ledger.offer({ ...offer, beforeStore: refuse });
    expect(outcome).toMatchObject({ outcome: 'stored', version: 2, objection: { code: 'CREDENTIAL_REFUSED' } });
    await expect(read()).resolves.toEqual(files('two', 2));
  });

  it('is asked once, and only about what would be stored', async () => {
    let asked: CredentialSummary[] = [];
    let overtaken = false;
    const { ledger } = setup((credentials) => ({
      ...credentials,
      append: (version, expected) => {
        if (overtaken) return credentials.append(version, expected);
        overtaken = true;
        throw new SallyportError('CREDENTIAL_STALE', 'another was faster');
      },
    }));
    const beforeStore = async (summary: CredentialSummary): Promise<void> => {
      asked = [...asked, summary];
    };
    const offer = { userId, provider: 'example', files: files('one'), reason: 'login', beforeStore } as const;
    await ledger.offer(offer);
    await ledger.offer(offer);
    await ledger.offer({ ...offer, files: files('blank') });
    expect(asked).toEqual([
      { provider: 'example', version: 1, facts: { kind: 'plan', blank: false, issuedAt: 1 }, reason: 'login' },
    ]);
  });
});
