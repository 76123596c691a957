import { createHash, randomBytes } from 'node:crypto';

import type { Clock } from '@sallyport/core';

import { type Family, loadLedger, saveLedger, type TokenRecord } from '../fake-openai/tokens/token-ledger-file.ts';
import { geminiClientId, scopes } from './authorization-request.ts';
import type { GoogleFaults } from './faults.ts';

/** Account every login of the fake provider belongs to. */
export const account = { id: '112233445566778899000', email: 'person@example.test' } as const;

export interface TokenResponse {
  readonly access_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly token_type: 'Bearer';
  readonly id_token: string;
  /** Only with a code: Google's refresh tokens are used again and again. */
  readonly refresh_token?: string;
}

/** Every token ever issued and what became of it. */
export interface TokenLedger {
  issue(machineId: string): { readonly tokens: TokenResponse; readonly family: string };
  /** A new access token; `undefined` where the refresh token is unknown or revoked. */
  refresh(refreshToken: string): TokenResponse | undefined;
  /** Revokes the login that the token belongs to. False: there is none. */
  revoke(token: string, reason: string): boolean;
  revokeFamily(family: string, reason: string): void;
  /** Whether a token may call an API, and notes which machine used it. */
  check(token: string, machineId: string): boolean;
  families(): readonly Family[];
}

export interface TokenLedgerOptions {
  readonly canary: string;
  readonly clock: Clock;
  readonly faults: () => GoogleFaults;
  /** Where the ledger outlives this process. It holds digests, never tokens. */
  readonly stateFile: string | undefined;
}

export function createTokenLedger({ canary, clock, faults, stateFile }: TokenLedgerOptions): TokenLedger {
  const data = loadLedger(stateFile);
  const opaque = (prefix: string): string => `${prefix}${canary}-${randomBytes(18).toString('base64url')}`;

  function add(token: string, kind: TokenRecord['kind'], family: string, expiresAt: number | null): string {
    data.tokens.set(digest(token), { kind, family, expiresAt, issuedAt: clock.now(), spent: false });
    return token;
  }

  function accessTokens(family: string): TokenResponse {
    const lifetime = faults().accessLifetimeSeconds;
    const issuedAt = Math.floor(clock.now() / 1000);
    const expiresAt = (issuedAt + lifetime) * 1000;
    return {
      access_token: add(opaque('ya29.'), 'access', family, expiresAt),
      expires_in: lifetime,
      scope: scopes.join(' '),
      token_type: 'Bearer',
      id_token: add(identityToken(canary, issuedAt), 'id', family, expiresAt),
    };
  }

  const find = (token: string): { record: TokenRecord; family: Family } | undefined => {
    const record = data.tokens.get(digest(token));
    const family = record && data.families.get(record.family);
    return record && family?.revokedBecause === null ? { record, family } : undefined;
  };

  function change(family: Family, next: Partial<Family>): void {
    data.families.set(family.id, { ...family, ...next });
    saveLedger(stateFile, data);
  }

  return {
    issue(machineId) {
      const id = `family-${data.families.size + 1}`;
      const tokens = { ...accessTokens(id), refresh_token: add(opaque('1//'), 'refresh', id, null) };
      change({ id, machineId, refreshes: 0, revokedBecause: null, usedBy: [] }, {});
      return { tokens, family: id };
    },
    refresh(refreshToken) {
      const found = find(refreshToken);
      if (found?.record.kind !== 'refresh') return undefined;
      const tokens = accessTokens(found.family.id);
      change(found.family, { refreshes: found.family.refreshes + 1 });
      return tokens;
    },
    revoke(token, reason) {
      const found = find(token);
      if (found) change(found.family, { revokedBecause: reason });
      return found !== undefined;
    },
    revokeFamily(id, reason) {
      const family = data.families.get(id);
      if (family?.revokedBecause === null) change(family, { revokedBecause: reason });
    },
    check(token, machineId) {
      const found = find(token);
      if (found?.record.kind !== 'access') return false;
      const { record, family } = found;
      if (!family.usedBy.includes(machineId)) change(family, { usedBy: [...family.usedBy, machineId] });
      if (record.issuedAt < faults().accessExpiredBefore) return false;
      return record.expiresAt === null || record.expiresAt > clock.now();
    },
    families: () => [...data.families.values()],
  };
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Nobody checks its signature, so that segment carries the canary: a search for it finds the token anywhere. */
function identityToken(canary: string, issuedAtSeconds: number): string {
  const payload = {
    iss: 'https://accounts.google.com',
    aud: geminiClientId,
    sub: account.id,
    email: account.email,
    email_verified: true,
    iat: issuedAtSeconds,
    exp: issuedAtSeconds + 3600,
    jti: randomBytes(9).toString('hex'),
  };
  return [...[{ alg: 'RS256', typ: 'JWT', kid: 'throw-away' }, payload].map(encode), canary].join('.');
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
