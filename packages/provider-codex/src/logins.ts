import type { ProviderManifestInput } from '@sallyport/core/provider';

/**
 * How Codex logs in. Both commands revoke and delete the credential they find the moment they start, before
 * anybody has logged in; hence a fresh home.
 */

type LoginMethodInput = ProviderManifestInput['logins'][number];

const HOST = 'auth.openai.com';

/**
 * Codex says the same words, `status 400 Bad Request`, for each error of RFC 8628 §3.5 and RFC 6749 §5.2 that comes with
 * that status: denied, expired, or asked too often. While it waits for the user it is answered with 403 or 404.
 */
export const deviceCodeRefused =
  'OpenAI refused the device code: it was denied on the page of OpenAI, or it has expired. Start again, and approve the new code.';
export const deviceCodeBroken =
  'The sign-in service of OpenAI failed while Codex waited for the device code to be entered. Start again in a moment.';
export const notEntitled =
  'This account may not use Codex in its workspace. Ask the administrator of the workspace for access, or sign in with another account.';

/**
 * The errors of the sign-in page that Codex shows by their names: first the user's own "no", then all others of RFC 6749
 * §4.1.2.1 and OpenID Connect Core §3.1.2.6. Where the page sends an `error_description`, Codex shows that in place of
 * the name, in words that no rule can know; the error itself then decides, where the callback came through us.
 */
export const pageDenied = 'Sign-in failed: (access_denied|consent_required)\\b';
export const pageBroken = 'Sign-in failed: [a-z]+(_[a-z]+)+\\b';

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
    when: { text: 'Codex is not enabled for your workspace' },
    code: 'LOGIN_DENIED',
    message: notEntitled,
  },
  {
    when: { pattern: pageDenied },
    code: 'LOGIN_DENIED',
    message: 'The sign-in was refused on the page of OpenAI.',
  },
  {
    when: { pattern: pageBroken },
    code: 'LOGIN_FAILED',
    message: 'The sign-in page of OpenAI answered with an error.',
  },
  {
    when: { text: 'Error logging in: Sign-in failed' },
    code: 'LOGIN_DENIED',
    message: 'The sign-in was refused on the page of OpenAI.',
  },
  {
    when: { pattern: 'Error logging in: (Token|device code) exchange failed' },
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
    when: { text: 'device auth failed with status 400' },
    code: 'LOGIN_DENIED',
    message: deviceCodeRefused,
  },
  {
    when: { text: 'device auth failed with status' },
    code: 'LOGIN_FAILED',
    message: deviceCodeBroken,
  },
  {
    when: { text: 'device code request failed' },
    code: 'LOGIN_FAILED',
    message: 'OpenAI did not give Codex a device code. Start again in a moment, or choose another method.',
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
  // "expires in 15 minutes".
  userCodeMinutes: 15,
  freshHome: true,
  success: [{ text: 'Successfully logged in' }],
  failure: failures,
  timeoutMs: 15 * 60_000,
};
