import type { AuthorizationRequest } from '../fake-openai/login/authorization-request.ts';

/** Public client id of Gemini CLI. */
export const geminiClientId = '681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com';

/** The page that shows the code instead of handing it to a callback. */
export const codePage = 'https://codeassist.google.com/authcode';

export const scopes = [
  'https://www.googleapis.com/auth/cloud-platform',
  'https://www.googleapis.com/auth/userinfo.email',
  'https://www.googleapis.com/auth/userinfo.profile',
] as const;

/**
 * Checks a link as strictly as the real provider, and says in words what is wrong with it. A loopback redirect may
 * have any port (RFC 8252 §7.3) and comes without PKCE; the page that shows the code comes with it.
 */
export function parseAuthorizationRequest(
  parameters: URLSearchParams,
): { readonly request: AuthorizationRequest } | { readonly problem: string } {
  const repeated = [...new Set(parameters.keys())].find((name) => parameters.getAll(name).length > 1);
  if (repeated !== undefined) return { problem: `${repeated} is given more than once.` };
  const get = (name: string): string => parameters.get(name) ?? '';
  const asked = get('scope').split(' ');
  const redirectUri = get('redirect_uri');
  const showsCode = redirectUri === codePage;
  const challenge = parameters.get('code_challenge') ?? undefined;
  const rules: readonly (readonly [boolean, string])[] = [
    [get('client_id') === geminiClientId, 'client_id is not a registered application.'],
    [get('response_type') === 'code', 'response_type must be code.'],
    [
      showsCode || /^http:\/\/127\.0\.0\.1:[1-9]\d{3,4}\/oauth2callback$/.test(redirectUri),
      'redirect_uri is not registered for this application.',
    ],
    [get('access_type') === 'offline', 'access_type must be offline.'],
    [scopes.every((scope) => asked.includes(scope)), 'scope is not what this application asks for.'],
    [get('state').length >= 16, 'state is missing or too short.'],
    [challenge !== undefined || !showsCode, 'code_challenge is missing.'],
    [
      challenge === undefined || /^[A-Za-z0-9_-]{43}$/.test(challenge),
      'code_challenge must be a SHA-256 in base64url.',
    ],
    [(challenge !== undefined) === (get('code_challenge_method') === 'S256'), 'code_challenge_method must be S256.'],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) return { problem: broken[1] };
  return { request: { redirectUri, challenge, state: get('state'), scope: get('scope') } };
}
