import type { ProviderManifestInput } from '@sallyport/core';

/**
 * How Codex logs in. Both commands revoke and delete the credential they find the moment they start, before
 * anybody has logged in; hence a fresh home.
 */

type LoginMethodInput = ProviderManifestInput['logins'][number];

const HOST = 'auth.openai.com';

/** All that Codex says of either is the status it was answered with. */
export const deviceCodeRefused =
  'OpenAI refused the device code: somebody chose to deny it on the page of OpenAI, or it is no longer good. Start again, and approve the new code.';
export const deviceCodeBroken =
  'The sign-in service of OpenAI failed while Codex waited for the device code to be entered. Start again in a moment.';

const failures: LoginMethodInput['failure'] = [
  {
    when: { pattern: 'Port [0-9.:]+ is already in use' },
    code: 'LOGIN_PORT_TAKEN',
    message: 'Both ports Codex can receive its sign-in on, 1455 and 1457, are taken by another program.',
  },
  {
    when: { text: 'Error logging in: Login cancelled' },
    code: 'LOGIN_CANCELLED',
    message: 'Another Codex login took over the callback port, or this one was cancelled.',
  },
  {
    when: { pattern: 'Sign-in failed: (server_error|temporarily_unavailable|invalid_|unauthorized_|unsupported_)' },
    code: 'LOGIN_FAILED',
    message: 'The sign-in page of OpenAI answered with an error of its own.',
  },
  {
    when: { text: 'Error logging in: Sign-in failed' },
    code: 'LOGIN_DENIED',
    message: 'The sign-in was refused on the page of OpenAI.',
  },
  {
    when: { text: 'Error logging in: Token exchange failed' },
    code: 'LOGIN_FAILED',
    message: 'OpenAI did not give Codex a credential for this sign-in.',
  },
  {
    when: { text: 'device code login is not enabled' },
    code: 'LOGIN_DENIED',
    message: 'Device codes are switched off for this account; turn them on in the security settings of ChatGPT.',
  },
  {
    when: { text: 'device auth timed out' },
    code: 'LOGIN_FAILED',
    message: 'The device code was not entered within 15 minutes.',
  },
  {
    when: { pattern: 'device auth failed with status 4' },
    code: 'LOGIN_DENIED',
    message: deviceCodeRefused,
  },
  {
    when: { pattern: 'device auth failed with status 5' },
    code: 'LOGIN_FAILED',
    message: deviceCodeBroken,
  },
  {
    when: { text: 'Error logging in' },
    code: 'LOGIN_FAILED',
    message: 'Codex could not complete the sign-in.',
  },
];

export const browserLogin: LoginMethodInput = {
  id: 'browser',
  title: 'Sign in with ChatGPT',
  kind: 'loopback-callback',
  drive: { kind: 'terminal', argv: ['login'] },
  url: {
    sources: ['browser-shim', 'text'],
    hosts: [HOST],
    pathPrefixes: ['/oauth/authorize'],
    require: [
      'response_type=code',
      'client_id=app_EMoamEEZ73f0CkXaXp7hrann',
      'redirect_uri',
      'code_challenge',
      'code_challenge_method=S256',
      'state',
    ],
    textAfter: { text: 'On a remote or headless machine?' },
  },
  callback: { ports: [1455, 1457], path: '/auth/callback' },
  freshHome: true,
  success: [{ text: 'Successfully logged in' }],
  failure: failures,
  timeoutMs: 10 * 60_000,
};

export const deviceCodeLogin: LoginMethodInput = {
  id: 'device-code',
  title: 'Sign in on another device with a code',
  kind: 'device-code',
  drive: { kind: 'terminal', argv: ['login', '--device-auth'] },
  url: {
    sources: ['text'],
    hosts: [HOST],
    pathPrefixes: ['/codex/device'],
    textAfter: { text: 'Enter this one-time code' },
  },
  // The sentence after it proves that the whole code is there: the first is of 0.169.0, the second of releases such as
  // 0.128.0. The length of the code is the server's choice.
  userCode: {
    pattern:
      '(?s)one-time code.*?\\s([A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8})+)\\s.*(?:Continue only if|Device codes are a common)',
  },
  freshHome: true,
  success: [{ text: 'Successfully logged in' }],
  failure: failures,
  timeoutMs: 15 * 60_000,
};
