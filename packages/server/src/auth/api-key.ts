import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import { SallyportError, Secret } from '@sallyport/core';
import { API_KEY_USE_NOTED_MS } from '@sallyport/core/store';
import type { Clock } from '@sallyport/core';
import type { ApiKeyRole, ApiKeyStore } from '@sallyport/core/store';

import type { ApiKeyCaller } from './caller.ts';
import type { KnownKeys } from './known-keys.ts';
import { newSecret } from './secrets.ts';
import { unauthenticated } from './unauthenticated.ts';

/** A fixed beginning, so that scanners for leaked secrets recognise it. */
const PREFIX = 'sallyport_key_';
const pattern = /^sallyport_key_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export function isApiKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Makes a key and stores its digest. The key itself is returned once and kept nowhere. */
export async function createApiKey(
  store: ApiKeyStore,
  { name, role }: { readonly name: string; readonly role: ApiKeyRole },
): Promise<{ readonly keyId: string; readonly key: Secret }> {
  const keyId = randomBytes(8).toString('hex');
  const secret = newSecret();
  await store.create({ keyId, name, role, sha256: digest(secret).toString('hex') });
  return { keyId, key: new Secret(`${PREFIX}${keyId}_${secret}`) };
}

export interface ApiKeyCheck {
  readonly store: ApiKeyStore;
  readonly clock: Clock;
  readonly onBackgroundError: (what: string, error: unknown) => void;
  /** Asked first, if given: a guess then costs no read of the database. */
  readonly knownKeys?: KnownKeys | undefined;
}

/** Asks the store each time: a revoked key is refused at once. Throws `ACCESS_UNAUTHENTICATED`. */
export async function checkApiKey(token: string, check: ApiKeyCheck): Promise<ApiKeyCaller> {
  const [, keyId = '', secret = ''] = pattern.exec(token) ?? [];
  if (check.knownKeys && !(await check.knownKeys.has(keyId, digest(secret).toString('hex'))))
    throw unauthenticated('There is no such API key in the database of this server.');
  const key = keyId === '' ? undefined : await check.store.get(keyId);
  const isRight = timingSafeEqual(key ? Buffer.from(key.sha256, 'hex') : nothing, digest(secret));
  if (!key || !isRight) throw unauthenticated('There is no such API key in the database of this server.');
  if (key.revokedAt !== null) throw unauthenticated('This API key was revoked.');
  const { role, lastUsedAt } = key;
  if (lastUsedAt === null || check.clock.now() - lastUsedAt.getTime() >= API_KEY_USE_NOTED_MS) {
    void check.store
      .noteUse(keyId)
      .catch((error: unknown) => check.onBackgroundError('noting that an API key was used', error));
  }
  return { kind: 'api-key', keyId, role };
}

/** API keys belong in backends. A browser names the page that asks, and everyone who opens that page could read the key. */
export function refuseApiKeyOfPage(origin: string | undefined): void {
  if (origin === undefined) return;
  throw new SallyportError('ACCESS_DENIED', 'API keys are not taken from web pages.', {
    hint: 'Have your backend make a user token for this page: POST /api/user-tokens with its origin.',
  });
}

const nothing = Buffer.alloc(32);

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
