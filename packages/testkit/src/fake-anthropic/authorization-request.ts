import { randomBytes } from 'node:crypto';

import { checkLink, type CheckedLink } from '../fake-vendor/sign-in/authorization-request.ts';

/** Public client id of Claude Code. */
export const claudeClientId = '9d1c250a-e61b-44d9-88ed-5944d1962f5e';

/** The page that shows the code instead of handing it to a callback. */
const codePage = 'https://platform.claude.com/oauth/code/callback';

/** What Claude Code may ask for, by the bit that stands for it in a short link. */
const scopeBits: Readonly<Record<number, string>> = {
  1: 'org:create_api_key',
  2: 'user:profile',
  3: 'user:inference',
  4: 'user:sessions:claude_code',
  5: 'user:mcp_servers',
  6: 'user:file_upload',
  7: 'user:plugins',
  10: 'user:privacy_consents:write',
  11: 'org:desktop_config',
};

/** Checks a link of Claude Code. Its loopback redirect may have any port (RFC 8252 §7.3); PKCE is always there. */
export function parseAuthorizationRequest(parameters: URLSearchParams): CheckedLink {
  return checkLink(parameters, (get) => [
    [get('client_id') === claudeClientId, 'client_id is not a registered application.'],
    [get('code') === 'true', 'code must be true.'],
    [
      get('redirect_uri') === codePage || /^http:\/\/localhost:[1-9]\d{3,4}\/callback$/.test(get('redirect_uri')),
      'redirect_uri is not registered for this application.',
    ],
    [get('code_challenge') !== '', 'code_challenge is missing.'],
    [isGrantable(get('scope').split(' ')), 'scope is not what this application asks for.'],
  ]);
}

/**
 * Checks the short link that 2.1.330 prints: scopes as a number in base64 digits, then the challenge, and nothing
 * else. What is not in it is as registered; its code is always to be pasted, and the state is made here.
 */
export function parseShortLink(query: string): CheckedLink {
  const { bits = '', challenge = '' } = /^(?<bits>[\w-]{1,5})(?<challenge>[\w-]{43})$/.exec(query)?.groups ?? {};
  if (challenge === '') return { problem: 'It is too short or too long.' };
  const asked = Array.from(bits).reduce((number, digit) => number * 64 + base64Digits.indexOf(digit), 0);
  const scopes = Object.entries(scopeBits).flatMap(([bit, scope]) => (asked & (1 << Number(bit)) ? [scope] : []));
  if (!isGrantable(scopes)) return { problem: 'The scope is not what this application asks for.' };
  const state = randomBytes(24).toString('base64url');
  return { request: { redirectUri: codePage, challenge, state, scope: scopes.join(' ') } };
}

const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function isGrantable(scopes: readonly string[]): boolean {
  const known = Object.values(scopeBits);
  return scopes.includes('user:inference') && scopes.every((scope) => known.includes(scope));
}
