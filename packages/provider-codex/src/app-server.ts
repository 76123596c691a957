import type { ProviderManifestInput } from '@sallyport/core/provider';

import {
  browserLogin,
  deviceCodeBroken,
  deviceCodeLogin,
  deviceCodeRefused,
  notEntitled,
  pageBroken,
  pageDenied,
} from './logins.ts';

/**
 * `codex app-server`: the same CLI, driven by messages instead of by a terminal. It opens no browser, and it leaves the
 * credential it finds alone until the new one is there.
 */

type LoginMethodInput = ProviderManifestInput['logins'][number];
type RpcDriveInput = Extract<LoginMethodInput['drive'], { kind: 'json-rpc' }>;
type RefreshInput = NonNullable<ProviderManifestInput['commands']['refresh']>;
type RpcPromptInput = Extract<ProviderManifestInput['prompt'], { drive: 'json-rpc' }>;

/** Tells it who asks, by our own name, and waits for nothing else. */
const greeting: RpcPromptInput['steps'] = [
  {
    id: 'initialize',
    do: {
      kind: 'request',
      method: 'initialize',
      params: { clientInfo: { name: 'sallyport', title: 'Sallyport', version: '1' } },
    },
  },
  { id: 'initialized', when: { pattern: '^initialize result$' }, do: { kind: 'notify', method: 'initialized' } },
];

const failures: LoginMethodInput['failure'] = [
  rule(
    'Port [0-9.:]+ is already in use',
    'LOGIN_PORT_TAKEN',
    'Both ports Codex can receive its sign-in on, 1455 and 1457, are taken by another program.',
  ),
  rule(
    'Login (was )?(cancelled|not completed)',
    'LOGIN_CANCELLED',
    'Another Codex login took over the callback port, or this one was cancelled.',
  ),
  rule('Codex is not enabled for your workspace', 'LOGIN_DENIED', notEntitled),
  rule(pageDenied, 'LOGIN_DENIED', 'The sign-in was refused on the page of OpenAI.'),
  rule(pageBroken, 'LOGIN_FAILED', 'The sign-in page of OpenAI answered with an error.'),
  rule('Sign-in failed', 'LOGIN_DENIED', 'The sign-in was refused on the page of OpenAI.'),
  rule(
    '(Token|device code) exchange failed',
    'LOGIN_FAILED',
    'OpenAI did not give Codex a credential for this sign-in.',
  ),
  rule(
    'device code login is not enabled',
    'LOGIN_DENIED',
    'Device codes are switched off for this account; turn them on in the security settings of ChatGPT.',
  ),
  rule('device auth timed out', 'LOGIN_FAILED', 'The device code was not entered within 15 minutes.'),
  rule('device auth failed with status 400', 'LOGIN_DENIED', deviceCodeRefused),
  rule('device auth failed with status', 'LOGIN_FAILED', deviceCodeBroken),
  rule(
    'device code request failed',
    'LOGIN_FAILED',
    'OpenAI did not give Codex a device code. Start again in a moment, or choose another method.',
  ),
  {
    when: { pattern: '^account/login/completed /success false$' },
    code: 'LOGIN_FAILED',
    message: 'Codex could not complete the sign-in.',
  },
];

/** Words of an error, in the answer to our request or in the notification that ends the login. */
function rule(
  words: string,
  code: 'LOGIN_PORT_TAKEN' | 'LOGIN_CANCELLED' | 'LOGIN_FAILED' | 'LOGIN_DENIED',
  message: string,
): NonNullable<LoginMethodInput['failure']>[number] {
  return { when: { pattern: `^(login error /message|account/login/completed /error) .*${words}` }, code, message };
}

function drive(type: 'chatgpt' | 'chatgptDeviceCode'): RpcDriveInput {
  return {
    kind: 'json-rpc',
    argv: ['app-server'],
    steps: [
      ...greeting,
      {
        id: 'login',
        when: { pattern: '^initialize result$' },
        do: { kind: 'request', method: 'account/login/start', params: { type } },
      },
    ],
  };
}

const success: LoginMethodInput['success'] = [{ pattern: '^account/login/completed /success true$' }];

export const appServerLogin: LoginMethodInput = {
  ...browserLogin,
  id: 'app-server',
  title: 'Sign in with ChatGPT (app server)',
  drive: drive('chatgpt'),
  url: browserLogin.url && { ...browserLogin.url, sources: ['rpc'], textAfter: undefined },
  freshHome: false,
  success,
  failure: failures,
};

export const appServerDeviceCodeLogin: LoginMethodInput = {
  ...deviceCodeLogin,
  id: 'app-server-device-code',
  title: 'Sign in on another device with a code (app server)',
  drive: drive('chatgptDeviceCode'),
  url: deviceCodeLogin.url && { ...deviceCodeLogin.url, sources: ['rpc'], textAfter: undefined },
  userCode: { pattern: '^login result /userCode (\\S+)$' },
  // As `codex login --device-auth`, which says so; the app server gives up after the same time and says nothing before.
  userCodeMinutes: 15,
  freshHome: false,
  success,
  failure: failures,
};

const turn: RpcPromptInput['steps'][number] = {
  id: 'turn',
  when: { pattern: '^thread result$' },
  do: {
    kind: 'request',
    method: 'turn/start',
    params: { threadId: { reply: 'thread', at: '/thread/id' }, input: [{ type: 'text', text: { slot: 'prompt' } }] },
  },
};

function thread(
  method: string,
  more: Readonly<Record<string, { slot: string } | boolean>>,
): RpcPromptInput['steps'][number] {
  // There is nobody to approve anything: what the sandbox forbids is refused.
  const params = { approvalPolicy: 'never', sandbox: { slot: 'tools' }, model: { slot: 'model' }, ...more };
  return { id: 'thread', when: { pattern: '^initialize result$' }, do: { kind: 'request', method, params } };
}

/** Text comes word by word, which `codex exec --json` does not do. */
export const appServerPrompt: Omit<RpcPromptInput, 'reloginNeeded'> = {
  drive: 'json-rpc',
  argv: ['app-server'],
  steps: [...greeting, thread('thread/start', {}), turn],
  resumeSteps: [...greeting, thread('thread/resume', { threadId: { slot: 'session' }, excludeTurns: true }), turn],
  tools: { 'read-only': 'read-only', workspace: 'workspace-write', full: 'danger-full-access' },
  // A new process costs about 150 ms before it can ask the vendor anything.
  resident: {
    opening: ['initialize', 'initialized'],
    conversation: '/threadId',
    failed: [{ pattern: '^turn/completed /turn/(error/|status (failed|interrupted)$)' }],
  },
  // Its agents have separate threads, whose turns end earlier.
  over: [
    { when: { pattern: '^turn/completed$' }, same: { at: '/threadId', as: { reply: 'thread', at: '/thread/id' } } },
  ],
};

/**
 * Renews both tokens, and asks no model anything. A refusal is told by an account that is not there any more, right
 * behind the name of the reply; where the vendor is only away, the account stays.
 */
export const appServerRefresh: RefreshInput = {
  argv: ['app-server'],
  steps: [
    ...greeting,
    {
      id: 'account',
      when: { pattern: '^initialize result$' },
      do: { kind: 'request', method: 'account/read', params: { refreshToken: true } },
    },
  ],
  over: [{ when: { pattern: '^account result$' } }],
  reloginNeeded: [{ pattern: '^account result\\naccount result /requiresOpenaiAuth true$' }],
};
