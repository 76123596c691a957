import { createHash, randomBytes } from 'node:crypto';

import type { Clock } from '@sallyport/core';

import { codexClientId } from '../login/authorization-request.ts';
import type { OpenaiFaults } from '../faults.ts';
import { account, mintJsonWebToken } from './json-web-token.ts';
import { loadLedger, type Family, type LedgerData, saveLedger, type TokenRecord } from './token-ledger-file.ts';

export interface TokenResponse {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: 'bearer';
  readonly expires_in: number;
  readonly scope: string;
}

export type RefreshRefusal = 'refresh_token_reused' | 'refresh_token_invalidated';

/** Every token ever issued and what became of it. Refresh tokens are single-use and belong to a family. */
export interface TokenLedger {
  /** Tokens of a new login. */
  issue(machineId: string): { readonly tokens: TokenResponse; readonly family: string };
  /** Consumes a refresh token. A consumed one revokes its whole family (RFC 9700 §4.14.2). */
  refresh(refreshToken: string): { readonly tokens: TokenResponse } | { readonly refusal: RefreshRefusal };
  exchangeForKey(idToken: string): string | undefined;
  revoke(token: string, reason: string): void;
  revokeFamily(family: string, reason: string): void;
  /** Whether a token may call the model API, and notes which machine used it. */
  check(token: string, machineId: string): 'live' | 'expired' | 'unknown';
  families(): readonly Family[];
}

export interface TokenLedgerOptions {
  readonly canary: string;
  readonly clock: Clock;
  readonly faults: () => OpenaiFaults;
  /** Where the ledger outlives this process. It holds digests, never tokens. */
  readonly stateFile: string | undefined;
}

export function createTokenLedger({ canary, clock, faults, stateFile }: TokenLedgerOptions): TokenLedger {
  const data: LedgerData = loadLedger(stateFile);
  const save = (): void => saveLedger(stateFile, data);

  function add(token: string, record: Omit<TokenRecord, 'issuedAt' | 'spent'>): string {
    data.tokens.set(digest(token), { ...record, issuedAt: clock.now(), spent: false });
    return token;
  }

  function issueInto(family: string): TokenResponse {
    const lifetime = faults().accessLifetimeSeconds;
    const issuedAtSeconds = Math.floor(clock.now() / 1000);
    const times = { issuedAtSeconds, expiresAtSeconds: issuedAtSeconds + lifetime };
    const idToken = mintJsonWebToken(canary, {
      ...times,
      audience: codexClientId,
      extra: { email: account.email, email_verified: true },
    });
    const accessToken = mintJsonWebToken(canary, {
      ...times,
      audience: 'https://api.openai.com/v1',
      extra: { scp: ['openid', 'profile', 'email', 'offline_access'] },
    });
    const expiresAt = times.expiresAtSeconds * 1000;
    return {
      id_token: add(idToken, { kind: 'id', family, expiresAt }),
      access_token: add(accessToken, { kind: 'access', family, expiresAt }),
      refresh_token: add(opaque('rt'), { kind: 'refresh', family, expiresAt: null }),
      token_type: 'bearer',
      expires_in: lifetime,
      scope: 'openid profile email offline_access',
    };
  }

  const opaque = (prefix: string): string => `${prefix}-${canary}-${randomBytes(18).toString('base64url')}`;

  const find = (token: string, kind?: TokenRecord['kind']): { record: TokenRecord; family: Family } | undefined => {
    const record = data.tokens.get(digest(token));
    const family = record && data.families.get(record.family);
    return record && family && (!kind || record.kind === kind) ? { record, family } : undefined;
  };

  function change(family: Family, next: Partial<Family>): void {
    data.families.set(family.id, { ...family, ...next });
    save();
  }

  return {
    issue(machineId) {
      const id = `family-${data.families.size + 1}`;
      data.families.set(id, { id, machineId, refreshes: 0, revokedBecause: null, usedBy: [] });
      const tokens = issueInto(id);
      save();
      return { tokens, family: id };
    },
    refresh(refreshToken) {
      const found = find(refreshToken, 'refresh');
      if (!found || found.family.revokedBecause !== null) return { refusal: 'refresh_token_invalidated' };
      const { record, family } = found;
      if (record.spent) {
        change(family, { revokedBecause: 'refresh_token_reused' });
        return { refusal: 'refresh_token_reused' };
      }
      data.tokens.set(digest(refreshToken), { ...record, spent: true });
      const tokens = issueInto(family.id);
      change(family, { refreshes: family.refreshes + 1 });
      return { tokens };
    },
    exchangeForKey(idToken) {
      const found = find(idToken, 'id');
      if (!found || found.family.revokedBecause !== null) return undefined;
      const key = add(opaque('sk'), { kind: 'api-key', family: found.family.id, expiresAt: null });
      save();
      return key;
    },
    revoke(token, reason) {
      const found = find(token);
      if (found && found.family.revokedBecause === null) change(found.family, { revokedBecause: reason });
    },
    revokeFamily(id, reason) {
      const family = data.families.get(id);
      if (family && family.revokedBecause === null) change(family, { revokedBecause: reason });
    },
    check(token, machineId) {
      const found = find(token);
      if (!found || found.family.revokedBecause !== null) return 'unknown';
      const { record, family } = found;
      if (record.kind !== 'access' && record.kind !== 'api-key') return 'unknown';
      if (!family.usedBy.includes(machineId)) change(family, { usedBy: [...family.usedBy, machineId] });
      if (record.kind === 'access' && record.issuedAt < faults().accessExpiredBefore) return 'expired';
      return record.expiresAt !== null && record.expiresAt <= clock.now() ? 'expired' : 'live';
    },
    families: () => [...data.families.values()],
  };
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
