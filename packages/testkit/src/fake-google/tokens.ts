import { mintJsonWebToken } from '../fake-vendor/tokens/json-web-token.ts';
import type { Mint, TokenLedger } from '../fake-vendor/tokens/token-ledger.ts';
import { geminiClientId, scopes } from './authorization-request.ts';

/** Account every login of the fake provider belongs to. */
export const account = { id: '112233445566778899000', email: 'person@example.test' } as const;

export interface GoogleTokens {
  readonly access_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly token_type: 'Bearer';
  readonly id_token: string;
  /** Only with a code: Google's refresh tokens are used again and again. */
  readonly refresh_token?: string;
}

export type GoogleLedger = TokenLedger<GoogleTokens>;

export function mintGoogleTokens(mint: Mint): GoogleTokens {
  const claims = {
    iss: 'https://accounts.google.com',
    aud: geminiClientId,
    sub: account.id,
    email: account.email,
    email_verified: true,
    iat: mint.issuedAtSeconds,
    exp: mint.issuedAtSeconds + 3600,
  };
  return {
    access_token: mint.add('access', mint.opaque('ya29.')),
    expires_in: mint.lifetimeSeconds,
    scope: scopes.join(' '),
    token_type: 'Bearer',
    id_token: mint.add('id', mintJsonWebToken(mint.canary, claims)),
    ...(mint.occasion === 'login' && { refresh_token: mint.add('refresh', mint.opaque('1//')) }),
  };
}
