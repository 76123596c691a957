import { checkLink, type CheckedLink } from '../../fake-vendor/sign-in/authorization-request.ts';

/** Public client id of the Codex CLI. */
export const codexClientId = 'app_EMoamEEZ73f0CkXaXp7hrann';

/** The loopback redirects registered for the CLI: its port and the one it falls back to. */
export const registeredRedirects: readonly string[] = ['127.0.0.1', 'localhost'].flatMap((host) =>
  [1455, 1457].map((port) => `http://${host}:${port}/auth/callback`),
);

/** Checks a link of `codex login`. */
export function parseAuthorizationRequest(parameters: URLSearchParams): CheckedLink {
  return checkLink(parameters, (get) => [
    [get('client_id') === codexClientId, 'client_id is not a registered application.'],
    [registeredRedirects.includes(get('redirect_uri')), 'redirect_uri is not registered for this application.'],
    [get('code_challenge') !== '', 'code_challenge is missing.'],
    [get('scope').split(' ').includes('openid'), 'scope must contain openid.'],
    [get('scope').split(' ').includes('offline_access'), 'scope must contain offline_access.'],
  ]);
}
