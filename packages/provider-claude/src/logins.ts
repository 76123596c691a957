import type { ProviderManifestInput } from '@sallyport/core/provider';

/**
 * How Claude Code logs in. The link that ends at the CLI's own loopback listener goes to the browser command alone;
 * the one it prints ends at a page that shows a code to paste. Each method runs in a home without a credential, so
 * that the file it leaves behind can only be its own.
 */

type AnyLogin = ProviderManifestInput['logins'][number];
type LoginMethodInput = AnyLogin & { readonly drive: Extract<AnyLogin['drive'], { kind: 'terminal' }> };

const CLIENT = 'client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e';

const failures: LoginMethodInput['failure'] = [
  {
    // Its words for every error of the page (RFC 6749 §4.1.2.1), and for an answer that has neither code nor error. Which
    // error it was decides in place of this rule where the callback came through us.
    when: { text: 'No authorization code received' },
    code: 'LOGIN_DENIED',
    message: 'The sign-in was refused on the page of Anthropic, or that page failed. Start again, and allow it there.',
  },
  {
    when: { text: 'Invalid state parameter' },
    code: 'LOGIN_FAILED',
    message: 'The answer of the sign-in page belonged to another login.',
  },
  {
    // Followed by the status alone, whatever the error of the token endpoint is (RFC 6749 §5.2).
    when: { text: "Couldn't log in" },
    code: 'LOGIN_FAILED',
    message: 'Anthropic did not give Claude Code a credential for this sign-in.',
  },
  {
    when: { text: 'Unable to connect to Anthropic services' },
    code: 'LOGIN_FAILED',
    message: 'Claude Code could not reach the services of Anthropic.',
  },
  {
    when: { text: 'OAuth error: ' },
    code: 'LOGIN_FAILED',
    message: 'Claude Code could not complete the sign-in.',
  },
];

/** Where the CLI remembers what it has asked, beside counters and the directories that the user trusts. */
export const SETTINGS = '~/.claude.json';

/** The CLI prints the link whole, and not the short one that names no `state`. */
const env = { CLAUDE_CODE_FULL_SIGN_IN_LINK: '1' };

/** The browser command has the link that ends at the listener; the printed one is led there where it is not called. */
const callbackLink: NonNullable<LoginMethodInput['url']> = {
  sources: ['browser-shim', 'osc8', 'text'],
  hosts: ['claude.com'],
  pathPrefixes: ['/cai/oauth/authorize'],
  require: [CLIENT, 'response_type=code', 'redirect_uri', 'code_challenge', 'code_challenge_method=S256', 'state'],
  textAfter: { text: 'Paste code here' },
};

/** The port is another one each time, so it is taken from the link. */
const callback: LoginMethodInput['callback'] = {
  ports: [],
  path: '/callback',
  // Both links have the same state and challenge, and the CLI redeems the code of either.
  printed: { uri: 'https://platform.claude.com/oauth/code/callback', host: 'localhost' },
};

export const browserLogin: LoginMethodInput = {
  id: 'browser',
  title: 'Sign in with Claude',
  kind: 'loopback-callback',
  drive: { kind: 'terminal', argv: ['auth', 'login', '--claudeai'], env },
  url: callbackLink,
  callback,
  freshHome: true,
  success: [{ text: 'Login successful' }],
  failure: failures,
  timeoutMs: 10 * 60_000,
};

/** The page that shows a code is the same for every command; only the full-screen ones need the Enter to wait. */
const pasteStep = (submitAfterMs: number): NonNullable<LoginMethodInput['drive']['steps']>[number] => ({
  id: 'paste',
  when: { text: 'Paste code here' },
  do: {
    kind: 'ask',
    prompt: {
      id: 'code',
      label: 'Code that the sign-in page of Claude shows',
      kind: 'code',
      secret: true,
      // Without the part after the # the CLI goes on waiting and says nothing.
      shape: { pattern: '^[^\\s#]+#[^\\s#]+$' },
      example: 'all that the page shows, with the # and what comes after it: CODE#STATE.',
    },
    submit: '\r',
    submitAfterMs,
  },
});

const pasteLink: LoginMethodInput['url'] = {
  sources: ['osc8', 'text'],
  hosts: ['claude.ai', 'claude.com', 'platform.claude.com'],
  pathPrefixes: ['/oauth/authorize', '/cai/oauth/authorize'],
  // The short link of 2.1.330 is a challenge without any parameter; older versions print the long one.
  require: [],
  textAfter: { text: 'Paste code here' },
};

const ENTER_AFTER_MS = 300;

export const pasteCodeLogin: LoginMethodInput = {
  id: 'paste-code',
  title: 'Sign in on another device and paste the code',
  kind: 'paste-code',
  drive: { kind: 'terminal', argv: ['auth', 'login', '--claudeai'], steps: [pasteStep(0)] },
  url: pasteLink,
  freshHome: true,
  success: [{ text: 'Login successful' }],
  failure: [
    {
      when: { text: "That code wasn't accepted" },
      code: 'LOGIN_FAILED',
      message: 'Claude did not accept that code. Copy all of it, with the part after the #, from the page just opened.',
    },
    ...failures,
  ],
  timeoutMs: 15 * 60_000,
};

/** Prints a token that is good for a year and writes no file: the token itself is the credential. */
export const setupTokenLogin: LoginMethodInput = {
  id: 'setup-token',
  title: 'Make a token that lasts a year',
  gives: ['token'],
  kind: 'loopback-callback',
  drive: { kind: 'terminal', argv: ['setup-token'], env },
  url: { ...callbackLink, require: [...(callbackLink.require ?? []), 'scope=user:inference'] },
  callback,
  freshHome: true,
  // Printed below the token, so the token is whole by then.
  success: [{ text: 'Store this token securely' }],
  failure: failures,
  timeoutMs: 10 * 60_000,
};

/** Up to 2.1.285 a screen ignores the Enter for 50 to 100 ms after it is painted. */
const enter = { kind: 'send', text: '\r', afterMs: ENTER_AFTER_MS, repeats: 3 } as const;

/**
 * The screens of a first start, which are also those of `/login` inside the CLI. `/login` is not a method: in a home with
 * a login the CLI first asks whether to trust the directory, which is the user's to say, and it replaces the credential
 * that is in use instead of leaving it alone until the new one is whole.
 *
 * The credential is on disk before the last screens, which therefore stay unanswered.
 */
export const firstStartLogin: LoginMethodInput = {
  id: 'first-start',
  title: 'Sign in through the first start of Claude Code',
  kind: 'loopback-callback',
  drive: {
    kind: 'terminal',
    argv: [],
    env,
    steps: [
      { id: 'theme', when: { text: 'Choose the text style' }, do: enter },
      { id: 'subscription', when: { text: 'Select login method' }, do: enter },
    ],
  },
  // An earlier attempt in this home may have been told that the first start is over.
  settings: [{ path: SETTINGS, content: '{"hasCompletedOnboarding":false}', write: 'merge-json' }],
  url: callbackLink,
  callback,
  freshHome: true,
  success: [{ text: 'Login successful' }],
  failure: failures,
  timeoutMs: 10 * 60_000,
};

/** The same two with a code, for a user whose browser cannot reach the CLI's listener. */
export const setupTokenPasteLogin: LoginMethodInput = {
  ...setupTokenLogin,
  id: 'setup-token-paste',
  title: 'Make a token that lasts a year, and paste the code',
  kind: 'paste-code',
  drive: { ...setupTokenLogin.drive, steps: [pasteStep(ENTER_AFTER_MS)] },
  url: pasteLink,
  callback: undefined,
  failure: pasteCodeLogin.failure,
};

export const firstStartPasteLogin: LoginMethodInput = {
  ...firstStartLogin,
  id: 'first-start-paste',
  title: 'Sign in through the first start of Claude Code, and paste the code',
  kind: 'paste-code',
  drive: { ...firstStartLogin.drive, steps: [...(firstStartLogin.drive.steps ?? []), pasteStep(ENTER_AFTER_MS)] },
  url: pasteLink,
  callback: undefined,
  failure: pasteCodeLogin.failure,
};
