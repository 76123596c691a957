import { createHash, randomBytes } from 'node:crypto';

import type { Clock } from '@sallyport/core';

import type { VendorFaults } from '../faults.ts';
import { type Family, loadLedger, saveLedger, type TokenRecord } from './token-ledger-file.ts';

/** Every token ever issued and what became of it. The tokens of one login are a family. */
export interface TokenLedger<Tokens> {
  /** Tokens of a new login. */
  issue(grant: Grant): { readonly tokens: Tokens; readonly family: string };
  /** Where refresh tokens rotate, consumes one: a consumed one revokes its whole family (RFC 9700 §4.14.2). */
  refresh(refreshToken: string): { readonly tokens: Tokens } | { readonly refusal: RefreshRefusal };
  /** Another token for one of a kind (RFC 8693). */
  exchange(token: string, from: TokenKind, make: (mint: Mint) => string): string | undefined;
  /** Revokes the login a token belongs to. False: there is none. */
  revoke(token: string, reason: string): boolean;
  revokeFamily(family: string, reason: string): void;
  /** Whether a token may call an API, and notes which machine used it. */
  check(token: string, machineId: string): TokenVerdict;
  families(): readonly Family[];
}

export interface Grant {
  readonly machineId: string;
  readonly scope?: string;
  /** Where the CLI asks for a longer or shorter life. */
  readonly lifetimeSeconds?: number;
}

export type TokenKind = TokenRecord['kind'];
export type RefreshRefusal = 'refresh_token_reused' | 'refresh_token_invalidated';

export type TokenVerdict =
  | { readonly verdict: 'live'; readonly family: Family }
  | { readonly verdict: 'expired' }
  | { readonly verdict: 'unknown' };

/** How a vendor makes the tokens of one answer. */
export interface Mint {
  readonly family: Family;
  readonly occasion: 'login' | 'refresh';
  readonly issuedAtSeconds: number;
  readonly lifetimeSeconds: number;
  readonly expiresAtSeconds: number;
  readonly canary: string;
  /** A random text that contains the canary. */
  opaque(prefix: string): string;
  /** Makes the ledger know a token. Access and id tokens end when `expiresAtSeconds` says so, others never. */
  add(kind: TokenKind, token: string): string;
}

export interface TokenLedgerOptions<Tokens> {
  readonly canary: string;
  readonly clock: Clock;
  readonly faults: () => VendorFaults;
  /** Where the ledger outlives this process. It holds digests, never tokens. */
  readonly stateFile: string | undefined;
  /** Whether a refresh token is good for one refresh only. */
  readonly rotates: boolean;
  readonly mint: (mint: Mint) => Tokens;
}

export function createTokenLedger<Tokens>(options: TokenLedgerOptions<Tokens>): TokenLedger<Tokens> {
  const { canary, clock, faults, stateFile } = options;
  const data = loadLedger(stateFile);

  function mintInto(family: Family, occasion: Mint['occasion'], asked?: number): Mint {
    const lifetimeSeconds = asked ?? faults().accessLifetimeSeconds;
    const issuedAtSeconds = Math.floor(clock.now() / 1000);
    const expiresAtSeconds = issuedAtSeconds + lifetimeSeconds;
    return {
      family,
      occasion,
      issuedAtSeconds,
      lifetimeSeconds,
      expiresAtSeconds,
      canary,
      opaque: (prefix) => `${prefix}${canary}-${randomBytes(18).toString('base64url')}`,
      add(kind, token) {
        const expiresAt = kind === 'access' || kind === 'id' ? expiresAtSeconds * 1000 : null;
        const record = { kind, family: family.id, issuedAt: clock.now(), expiresAt, spent: false };
        data.tokens.set(digest(token), record);
        return token;
      },
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
    issue({ machineId, scope = '', lifetimeSeconds }) {
      const id = `family-${data.families.size + 1}`;
      const family: Family = { id, machineId, scope, refreshes: 0, revokedBecause: null, usedBy: [] };
      const tokens = options.mint(mintInto(family, 'login', lifetimeSeconds));
      change(family, {});
      return { tokens, family: id };
    },
    refresh(refreshToken) {
      const found = find(refreshToken);
      if (found?.record.kind !== 'refresh') return { refusal: 'refresh_token_invalidated' };
      const { record, family } = found;
      if (record.spent) {
        change(family, { revokedBecause: 'refresh_token_reused' });
        return { refusal: 'refresh_token_reused' };
      }
      if (options.rotates) data.tokens.set(digest(refreshToken), { ...record, spent: true });
      const tokens = options.mint(mintInto(family, 'refresh'));
      change(family, { refreshes: family.refreshes + 1 });
      return { tokens };
    },
    exchange(token, from, make) {
      const found = find(token);
      if (found?.record.kind !== from) return undefined;
      const made = make(mintInto(found.family, 'login'));
      change(found.family, {});
      return made;
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
      if (!found || !usable.has(found.record.kind)) return { verdict: 'unknown' };
      const { record, family } = found;
      const known = { ...family, usedBy: [...new Set([...family.usedBy, machineId])] };
      if (!family.usedBy.includes(machineId)) change(known, {});
      const tooOld = record.kind === 'access' && record.issuedAt < faults().accessExpiredBefore;
      if (tooOld || (record.expiresAt !== null && record.expiresAt <= clock.now())) return { verdict: 'expired' };
      return { verdict: 'live', family: known };
    },
    families: () => [...data.families.values()],
  };
}

/** What may call an API. */
const usable: ReadonlySet<TokenKind> = new Set(['access', 'api-key']);

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
