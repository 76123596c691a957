import { randomBytes } from 'node:crypto';

/** Account every login of the fake provider belongs to. */
export const account = {
  id: '11111111-1111-4111-8111-111111111111',
  email: 'person@example.test',
  plan: 'plus',
} as const;

export interface TokenClaims {
  readonly audience: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  readonly extra: Readonly<Record<string, unknown>>;
}

/**
 * A token with the claims the CLI reads. Nobody checks its signature (RFC 7515), so that segment carries the
 * canary as it is: a search for the canary finds the token wherever it leaks.
 */
export function mintJsonWebToken(canary: string, claims: TokenClaims): string {
  const payload = {
    iss: 'https://auth.openai.com',
    aud: [claims.audience],
    sub: 'auth0|person',
    jti: randomBytes(9).toString('hex'),
    iat: claims.issuedAtSeconds,
    exp: claims.expiresAtSeconds,
    'https://api.openai.com/auth': {
      chatgpt_account_id: account.id,
      chatgpt_plan_type: account.plan,
      chatgpt_user_id: 'user-person',
      user_id: 'user-person',
      organizations: [{ id: 'org-person', is_default: true, role: 'owner', title: 'Personal' }],
      completed_platform_onboarding: true,
      is_org_owner: true,
    },
    ...claims.extra,
  };
  return [encode({ alg: 'RS256', typ: 'JWT', kid: 'throw-away' }), encode(payload), paddedCanary(canary)].join('.');
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** Some decoders insist on whole groups of four and on zero bits at the end, which `A` gives. */
function paddedCanary(canary: string): string {
  return canary + 'A'.repeat((4 - (canary.length % 4)) % 4) + randomBytes(12).toString('base64url');
}
