/** Public client id of the Codex CLI. */
export const codexClientId = 'app_EMoamEEZ73f0CkXaXp7hrann';

/** What a checked authorization link asks for (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  /** Absent where the link brings none; the provider decides whether it has to. */
  readonly challenge: string | undefined;
  readonly state: string;
  readonly scope: string;
}

/** The loopback redirects registered for the CLI: its port and the one it falls back to. */
export const registeredRedirects: readonly string[] = ['127.0.0.1', 'localhost'].flatMap((host) =>
  [1455, 1457].map((port) => `http://${host}:${port}/auth/callback`),
);

/** Checks a link as strictly as the real provider, and says in words what is wrong with it. */
export function parseAuthorizationRequest(
  parameters: URLSearchParams,
): { readonly request: AuthorizationRequest } | { readonly problem: string } {
  const repeated = [...new Set(parameters.keys())].find((name) => parameters.getAll(name).length > 1);
  if (repeated !== undefined) return { problem: `${repeated} is given more than once.` };
  const get = (name: string): string => parameters.get(name) ?? '';
  const rules: readonly (readonly [boolean, string])[] = [
    [get('client_id') === codexClientId, 'client_id is not a registered application.'],
    [get('response_type') === 'code', 'response_type must be code.'],
    [registeredRedirects.includes(get('redirect_uri')), 'redirect_uri is not registered for this application.'],
    [get('code_challenge_method') === 'S256', 'code_challenge_method must be S256.'],
    [/^[A-Za-z0-9_-]{43}$/.test(get('code_challenge')), 'code_challenge must be a SHA-256 in base64url.'],
    [get('state').length >= 16, 'state is missing or too short.'],
    [get('scope').split(' ').includes('openid'), 'scope must contain openid.'],
    [get('scope').split(' ').includes('offline_access'), 'scope must contain offline_access.'],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) return { problem: broken[1] };
  return {
    request: {
      redirectUri: get('redirect_uri'),
      challenge: get('code_challenge'),
      state: get('state'),
      scope: get('scope'),
    },
  };
}
