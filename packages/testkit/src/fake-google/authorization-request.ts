import { checkLink, type CheckedLink } from '../fake-vendor/sign-in/authorization-request.ts';

/** Public client id of Gemini CLI. */
export const geminiClientId = '681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com';

/** The page that shows the code instead of handing it to a callback. */
const codePage = 'https://codeassist.google.com/authcode';

export const scopes = [
  'https://www.googleapis.com/auth/cloud-platform',
  'https://www.googleapis.com/auth/userinfo.email',
  'https://www.googleapis.com/auth/userinfo.profile',
] as const;

/**
 * Checks a link of Gemini CLI. A loopback redirect may have any port (RFC 8252 §7.3) and comes without PKCE; the page
 * that shows the code comes with it.
 */
export function parseAuthorizationRequest(parameters: URLSearchParams): CheckedLink {
  return checkLink(parameters, (get) => {
    const asked = get('scope').split(' ');
    const showsCode = get('redirect_uri') === codePage;
    return [
      [get('client_id') === geminiClientId, 'client_id is not a registered application.'],
      [
        showsCode || /^http:\/\/127\.0\.0\.1:[1-9]\d{3,4}\/oauth2callback$/.test(get('redirect_uri')),
        'redirect_uri is not registered for this application.',
      ],
      [get('access_type') === 'offline', 'access_type must be offline.'],
      [scopes.every((scope) => asked.includes(scope)), 'scope is not what this application asks for.'],
      [get('code_challenge') !== '' || !showsCode, 'code_challenge is missing.'],
    ];
  });
}
