import { createHash, randomBytes } from 'node:crypto';

import type { Clock } from '@sallyport/core';

/** What an authorization code is bound to (RFC 7636 §4.4, RFC 6749 §4.1.3). */
export interface CodeBinding {
  /** Absent where the link brought none: then no verifier may come either. */
  readonly challenge: string | undefined;
  readonly redirectUri: string;
  /** What the user agreed to. Default: nothing in particular. */
  readonly scope?: string;
}

export interface AuthorizationCodes {
  issue(binding: CodeBinding): string;
  /** Consumes a code, or says why it is refused, and which family a repeated use must revoke. */
  redeem(
    code: string,
    proof: { readonly verifier: string; readonly redirectUri: string },
  ):
    | { readonly ok: true; readonly scope: string; readonly redeemed: (family: string) => void }
    | { readonly ok: false; readonly problem: string; readonly revokeFamily: string | undefined };
}

const lifetimeMs = 60_000;

export function createAuthorizationCodes(clock: Clock, canary: string): AuthorizationCodes {
  const codes = new Map<string, CodeBinding & { issuedAt: number; used: boolean; family: string | undefined }>();
  const refuse = (problem: string, revokeFamily?: string) => ({ ok: false, problem, revokeFamily }) as const;
  return {
    issue(binding) {
      const code = `ac_${canary}${randomBytes(24).toString('base64url')}`;
      codes.set(code, { ...binding, issuedAt: clock.now(), used: false, family: undefined });
      return code;
    },
    redeem(code, { verifier, redirectUri }) {
      const entry = codes.get(code);
      if (!entry) return refuse('The code is not known.');
      if (entry.used) return refuse('The code was used before.', entry.family);
      // Consumed by the first try, good or bad, so that nobody can guess a verifier.
      entry.used = true;
      if (clock.now() - entry.issuedAt > lifetimeMs) return refuse('The code has expired.');
      if (entry.redirectUri !== redirectUri) return refuse('redirect_uri differs from the one in the link.');
      if (entry.challenge === undefined) {
        if (verifier !== '') return refuse('code_verifier is given, but the link had no challenge.');
      } else if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) {
        return refuse('code_verifier is missing or malformed.');
      } else if (createHash('sha256').update(verifier).digest('base64url') !== entry.challenge) {
        return refuse('code_verifier does not match the challenge.');
      }
      return {
        ok: true,
        scope: entry.scope ?? '',
        redeemed(family) {
          entry.family = family;
        },
      };
    },
  };
}
