import { mintJsonWebToken } from '../../fake-vendor/tokens/json-web-token.ts';
import type { Mint, TokenLedger } from '../../fake-vendor/tokens/token-ledger.ts';
import { codexClientId } from '../login/authorization-request.ts';

/** Account every login of the fake provider belongs to. */
export const account = {
  id: '11111111-1111-4111-8111-111111111111',
  email: 'person@example.test',
  plan: 'plus',
} as const;

export interface OpenaiTokens {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: 'bearer';
  readonly expires_in: number;
  readonly scope: string;
}

export type OpenaiLedger = TokenLedger<OpenaiTokens>;

export function mintOpenaiTokens(mint: Mint): OpenaiTokens {
  const { canary } = mint;
  return {
    id_token: mint.add(
      'id',
      mintJsonWebToken(canary, { ...claims(mint, codexClientId), email: account.email, email_verified: true }),
    ),
    access_token: mint.add(
      'access',
      mintJsonWebToken(canary, { ...claims(mint, 'https://api.openai.com/v1'), scp: scope.split(' ') }),
    ),
    refresh_token: mint.add('refresh', mint.opaque('rt-')),
    token_type: 'bearer',
    expires_in: mint.lifetimeSeconds,
    scope,
  };
}

/** What `codex login` stores besides the tokens: an API key it gets for its id token. */
export function exchangeForKey(ledger: OpenaiLedger, idToken: string): string | undefined {
  return ledger.exchange(idToken, 'id', (mint) => mint.add('api-key', mint.opaque('sk-')));
}

const scope = 'openid profile email offline_access';

function claims({ issuedAtSeconds, expiresAtSeconds }: Mint, audience: string): Readonly<Record<string, unknown>> {
  return {
    iss: 'https://auth.openai.com',
    aud: [audience],
    sub: 'auth0|person',
    iat: issuedAtSeconds,
    exp: expiresAtSeconds,
    'https://api.openai.com/auth': {
      chatgpt_account_id: account.id,
      chatgpt_plan_type: account.plan,
      chatgpt_user_id: 'user-person',
      user_id: 'user-person',
      organizations: [{ id: 'org-person', is_default: true, role: 'owner', title: 'Personal' }],
      completed_platform_onboarding: true,
      is_org_owner: true,
    },
  };
}
