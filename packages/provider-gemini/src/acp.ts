import type { ProviderManifestInput } from '@sallyport/core/provider';

import { browserLogin } from './logins.ts';
import { exitMeanings } from './exit-codes.ts';
import { settingsFile } from './settings.ts';

/**
 * `gemini --acp`: the Agent Client Protocol, JSON-RPC over standard input and output. `authenticate` opens the sign-in page
 * by `xdg-open`, which is our browser command, and answers when the login is over. Unlike the screens it asks for neither
 * consent nor trust.
 */

type LoginMethodInput = ProviderManifestInput['logins'][number];

const TIMEOUT_MS = 5 * 60_000;

const failures: LoginMethodInput['failure'] = [
  failed(
    'Google OAuth error: (access_denied|consent_required)[.]',
    'LOGIN_DENIED',
    'The sign-in was refused on the page of Google.',
  ),
  failed('Google OAuth error', 'LOGIN_FAILED', 'The sign-in page of Google answered with an error.'),
  failed('OAuth state mismatch', 'LOGIN_FAILED', 'The sign-in page answered for another login.'),
  failed(
    'Failed to exchange authorization code',
    'LOGIN_FAILED',
    'Google did not give Gemini CLI a credential for this sign-in.',
  ),
  failed(
    'timed out after 5 minutes',
    'LOGIN_FAILED',
    'Gemini CLI waits five minutes for a sign-in, and they are over.',
  ),
  failed('', 'LOGIN_FAILED', 'Gemini CLI could not complete the sign-in.'),
  // It may end before it has answered; what it says then is on its standard error.
  { when: { pattern: 'Fatal[A-Za-z]*Error: ' }, code: 'LOGIN_FAILED', message: exitMeanings[41] ?? '' },
];

function failed(
  words: string,
  code: 'LOGIN_DENIED' | 'LOGIN_FAILED',
  message: string,
): NonNullable<LoginMethodInput['failure']>[number] {
  return { when: { pattern: `^authenticate error /message .*${words}` }, code, message };
}

export const acpLogin: LoginMethodInput = {
  ...browserLogin,
  id: 'acp',
  title: 'Sign in with Google',
  drive: {
    kind: 'json-rpc',
    argv: ['--acp'],
    // Without a display it does not even try to open a page. Nothing connects to this one.
    env: { DISPLAY: ':9' },
    steps: [
      {
        id: 'initialize',
        do: { kind: 'request', method: 'initialize', params: { protocolVersion: 1, clientCapabilities: {} } },
      },
      {
        id: 'authenticate',
        when: { pattern: '^initialize result$' },
        do: {
          kind: 'request',
          method: 'authenticate',
          params: { methodId: 'oauth-personal' },
          replyWithinMs: TIMEOUT_MS,
        },
      },
    ],
  },
  settings: [settingsFile('none')],
  url: browserLogin.url && { ...browserLogin.url, sources: ['browser-shim'], textAfter: undefined },
  success: [{ pattern: '^authenticate result$' }],
  failure: failures,
  timeoutMs: TIMEOUT_MS,
};
