import type { ProviderManifestInput } from '@sallyport/core/provider';

/**
 * How Gemini CLI logs in from its terminal screens. There is no login command: it asks when it starts and finds
 * no credential, and goes on to its chat afterwards, so a login ends by ending the CLI. The files are written
 * before it says that it is done.
 */

type LoginMethodInput = ProviderManifestInput['logins'][number];

const CLIENT_ID = '681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com';

const failures: LoginMethodInput['failure'] = [
  {
    when: { text: 'Authentication cancelled by user' },
    code: 'LOGIN_CANCELLED',
    message: 'The sign-in was cancelled in Gemini CLI.',
  },
  ...['access_denied', 'consent_required'].map((error) => ({
    when: { text: `Google OAuth error: ${error}.` },
    code: 'LOGIN_DENIED' as const,
    message: 'The sign-in was refused on the page of Google.',
  })),
  failed('OAuth state mismatch', 'The sign-in page answered for another login.'),
  failed(
    'Failed to exchange authorization code for tokens',
    'Google did not give Gemini CLI a credential for this sign-in.',
  ),
  failed('No authorization code received from Google OAuth', 'The sign-in page of Google gave Gemini CLI no code.'),
  failed('Google OAuth error', 'The sign-in page of Google answered with an error.'),
  failed('OAuth callback server error', 'Gemini CLI could not receive the answer of the sign-in page.'),
  failed('OAuth callback not received', 'Gemini CLI could not receive the answer of the sign-in page.'),
  failed('Failed to open browser', 'Gemini CLI could not open the sign-in page.'),
  failed('timed out after 5 minutes', 'Gemini CLI waits five minutes for a sign-in, and they are over.'),
];

/** Plain text only: the screen is wide, and it is read after every piece of output. */
function failed(text: string, message: string): NonNullable<LoginMethodInput['failure']>[number] {
  return { when: { text }, code: 'LOGIN_FAILED', message };
}

/** Its screens are painted before they listen to keys. */
const enter = { kind: 'send', text: '\r', afterMs: 300, repeats: 3 } as const;

export const browserLogin: LoginMethodInput = {
  id: 'browser',
  title: 'Sign in with Google (by its screens)',
  kind: 'loopback-callback',
  drive: {
    kind: 'terminal',
    argv: [],
    // Without a display it does not even try to open a page. Nothing connects to this one.
    env: { DISPLAY: ':9' },
    steps: [
      {
        // The first try always fails for want of a consent it has not asked for; then comes this menu, which
        // has its cursor on Google. This is its last line.
        id: 'sign_in',
        when: { text: 'Terms of Services and Privacy Notice for Gemini CLI' },
        do: enter,
      },
      {
        // Yes or no, with the cursor on yes.
        id: 'consent',
        when: { text: 'Opening authentication page in your browser.' },
        do: enter,
      },
    ],
  },
  url: {
    sources: ['browser-shim', 'text'],
    hosts: ['accounts.google.com'],
    pathPrefixes: ['/o/oauth2/v2/auth'],
    require: ['response_type=code', `client_id=${CLIENT_ID}`, 'redirect_uri', 'scope', 'state'],
    textAfter: { text: 'Waiting for authentication...' },
  },
  // Any free port: the link says which.
  callback: { ports: [], path: '/oauth2callback' },
  freshHome: true,
  success: [{ text: "You've successfully signed in with Google" }],
  failure: failures,
  timeoutMs: 5 * 60_000,
};

export const pasteCodeLogin: LoginMethodInput = {
  id: 'paste-code',
  title: 'Sign in with Google and paste a code',
  kind: 'paste-code',
  drive: {
    kind: 'terminal',
    argv: [],
    env: { NO_BROWSER: 'true' },
    steps: [
      {
        id: 'code',
        when: { text: 'Enter the authorization code:' },
        do: {
          kind: 'ask',
          prompt: {
            id: 'authorization_code',
            label: 'The authorization code that the page of Google shows',
            kind: 'code',
            secret: true,
          },
        },
      },
    ],
  },
  url: {
    sources: ['text'],
    hosts: ['accounts.google.com'],
    pathPrefixes: ['/o/oauth2/v2/auth'],
    require: [
      'response_type=code',
      `client_id=${CLIENT_ID}`,
      'redirect_uri=https://codeassist.google.com/authcode',
      'code_challenge',
      'code_challenge_method=S256',
      'state',
    ],
    textAfter: { text: 'Enter the authorization code:' },
  },
  freshHome: true,
  success: [{ text: 'Signed in with Google' }],
  failure: [
    ...failures,
    failed('Failed to authenticate with authorization code', 'Google did not accept the code.'),
    failed('Failed to authenticate with user code', 'Google did not accept the code.'),
  ],
  timeoutMs: 5 * 60_000,
};
