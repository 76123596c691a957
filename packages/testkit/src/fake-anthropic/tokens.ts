import type { Mint, TokenLedger } from '../fake-vendor/tokens/token-ledger.ts';

/** Account every login of the fake provider belongs to. */
export const account = {
  id: '33333333-3333-4333-8333-333333333333',
  email: 'person@example.test',
  organization: { id: '44444444-4444-4444-8444-444444444444', name: "Person's Organization" },
} as const;

export interface AnthropicTokens {
  readonly token_type: 'Bearer';
  readonly access_token: string;
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly scope: string;
  readonly organization: { readonly uuid: string; readonly name: string };
  readonly account: { readonly uuid: string; readonly email_address: string };
}

export type AnthropicLedger = TokenLedger<AnthropicTokens>;

export function mintAnthropicTokens(mint: Mint): AnthropicTokens {
  return {
    token_type: 'Bearer',
    access_token: mint.add('access', mint.opaque('sk-ant-oat01-')),
    expires_in: mint.lifetimeSeconds,
    refresh_token: mint.add('refresh', mint.opaque('sk-ant-ort01-')),
    scope: mint.family.scope,
    organization: { uuid: account.organization.id, name: account.organization.name },
    account: { uuid: account.id, email_address: account.email },
  };
}
