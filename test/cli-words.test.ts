import { createLogin, step } from '@sallyport/core/engine';
import type { LoginAction, LoginObservation } from '@sallyport/core/engine';
import type { LoginMethod, Provider } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { describe, expect, it } from 'vitest';

/**
 * What a login comes to by the words of the CLI alone, where the callback did not come through us: for the errors that a
 * sign-in page (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6), a token endpoint (RFC 6749 §5.2) and a device flow (RFC
 * 8628 §3.5) can answer with. The words are those of Claude Code 2.1.330, Codex 0.169.0 and Gemini CLI 0.61.0: what they
 * printed when it was done to them, or what their programs contain. `vendor-errors.test.ts` has what the page's own answer
 * adds.
 */

const DENIED = 'LOGIN_DENIED';
const FAILED = 'LOGIN_FAILED';

/** The errors of a page → whether it was the user's own "no". */
const pageErrors: readonly (readonly [error: string, code: string])[] = [
  ['access_denied', DENIED],
  ['consent_required', DENIED],
  ['server_error', FAILED],
  ['temporarily_unavailable', FAILED],
  ['invalid_request', FAILED],
  ['invalid_scope', FAILED],
  ['unauthorized_client', FAILED],
  ['unsupported_response_type', FAILED],
  ['login_required', FAILED],
  ['interaction_required', FAILED],
  ['account_selection_required', FAILED],
  ['request_not_supported', FAILED],
];

const kinds = { page: ['loopback-callback'], code: ['paste-code'], device: ['device-code'] } as const;

interface Words {
  readonly provider: Provider;
  readonly on: keyof typeof kinds;
  /** Words → the code of the login's failure. */
  readonly words: readonly (readonly [words: string, code: string])[];
}

const tables: readonly Words[] = [
  {
    provider: codex,
    on: 'page',
    words: [
      ...pageErrors.map(([error, code]) => [`Sign-in failed: ${error}`, code] as const),
      // It shows the description in place of the error: the same words may be a denial and a vendor that is down.
      ['Sign-in failed: The sign-in was denied.', DENIED],
      ['Sign-in failed: Something broke', DENIED],
      [
        'Codex is not enabled for your workspace. Contact your workspace administrator to request access to Codex.',
        DENIED,
      ],
      ['Missing authorization code. Sign-in could not be completed.', FAILED],
      ...[
        'Token exchange failed: token endpoint returned status 400 Bad Request: words of the vendor',
        'Token exchange failed: token endpoint returned status 401 Unauthorized: words of the vendor',
        'Token exchange failed: token endpoint returned status 503 Service Unavailable: access_denied',
        'Token exchange failed: error sending request for url (https://auth.openai.com/oauth/token)',
      ].map((words) => [words, FAILED] as const),
    ],
  },
  {
    provider: codex,
    on: 'device',
    words: [
      // The same words for access_denied, expired_token, slow_down and invalid_grant.
      ['device auth failed with status 400 Bad Request', DENIED],
      ['device auth failed with status 401 Unauthorized', FAILED],
      ['device auth failed with status 410 Gone', FAILED],
      ['device auth failed with status 429 Too Many Requests', FAILED],
      ['device auth failed with status 500 Internal Server Error', FAILED],
      ['device auth failed with status 503 Service Unavailable', FAILED],
      ['device auth timed out after 15 minutes', FAILED],
      [
        'device code login is not enabled for this Codex server. Use the browser login or verify the server URL.',
        DENIED,
      ],
      ['device code request failed with status 403 Forbidden', FAILED],
      ['device code request failed with status 500 Internal Server Error', FAILED],
      ['device code exchange failed: token endpoint returned status 400 Bad Request: words of the vendor', FAILED],
      ['device code exchange failed: token endpoint returned status 403 Forbidden: words of the vendor', FAILED],
    ],
  },
  {
    provider: claude,
    on: 'page',
    words: [
      // The same words for every error of the page.
      ["Couldn't log in: No authorization code received", DENIED],
      ...[400, 401, 403, 429, 500, 503].map(
        (status) => [`Couldn't log in: Request failed with status code ${status}`, FAILED] as const,
      ),
      ["Couldn't log in: getaddrinfo EAI_AGAIN platform.claude.com", FAILED],
      ['OAuth error: Request failed with status code 400', FAILED],
      ["Couldn't log in: Invalid state parameter", FAILED],
      ['Unable to connect to Anthropic services', FAILED],
    ],
  },
  {
    provider: claude,
    on: 'code',
    words: [
      ["That code wasn't accepted", FAILED],
      ["Couldn't log in: Request failed with status code 400", FAILED],
      ['OAuth error: Request failed with status code 500', FAILED],
    ],
  },
  {
    provider: gemini,
    on: 'page',
    words: [
      ...pageErrors.flatMap(([error, code]) => [
        [`Google OAuth error: ${error}. No additional details provided`, code] as const,
        [`Google OAuth error: ${error}. The page says access_denied. Try again`, code] as const,
      ]),
      ['No authorization code received from Google OAuth. Please try authenticating again.', FAILED],
      ['OAuth state mismatch. Possible CSRF attack or browser session issue.', FAILED],
      ...['invalid_grant', 'invalid_client', 'unauthorized_client', 'invalid_request'].map(
        (error) => [`Failed to exchange authorization code for tokens: ${error}`, FAILED] as const,
      ),
    ],
  },
  {
    provider: gemini,
    on: 'code',
    words: [
      ['Failed to authenticate with authorization code:invalid_grant', FAILED],
      ['Failed to authenticate with authorization code:invalid_client', FAILED],
      ['Failed to authenticate with user code.', FAILED],
    ],
  },
];

/** What the CLI says around these words on its terminal. */
const shownBy: Readonly<Record<string, string>> = {
  codex: 'Error logging in: ',
  claude_code: '',
  gemini_cli: 'Failed to sign in. Message: ',
};

const message = (value: object): LoginObservation => ({ type: 'rpc', line: JSON.stringify(value) });

function observed(provider: string, method: LoginMethod, words: string): readonly LoginObservation[] {
  if (method.drive.kind === 'terminal') {
    const lines = [`${shownBy[provider] ?? ''}${words}`];
    return [
      { type: 'screen', screen: { lines, links: [] } },
      { type: 'exit', code: 1, signal: null },
    ];
  }
  const greeting = message({ id: 'initialize', result: {} });
  const end =
    provider === 'codex'
      ? { method: 'account/login/completed', params: { success: false, error: `Login server error: ${words}` } }
      : { id: 'authenticate', error: { code: -32_000, message: words } };
  return [greeting, message(end), { type: 'exit', code: 1, signal: null }];
}

function endOf(method: LoginMethod, observations: readonly LoginObservation[]): LoginAction | undefined {
  let state = createLogin(method);
  for (const observation of [{ type: 'tick', elapsedMs: 0 } as const, ...observations]) {
    const next = step(state, observation);
    state = next.state;
    const end = next.actions.find(({ type }) => type === 'fail' || type === 'finish');
    if (end) return end;
  }
  return undefined;
}

describe.each(
  tables.flatMap(({ provider, on, words }) =>
    provider.manifest.logins
      .filter(({ kind }) => kinds[on].some((each) => each === kind))
      .map((method) => ({ id: provider.manifest.id, name: method.id, method, words })),
  ),
)('$id, $name', ({ id, method, words }) => {
  it.each(words)('takes %j as %s', (said, code) => {
    expect(endOf(method, observed(id, method, said))).toMatchObject({ type: 'fail', code });
  });
});

it('has a table for each login method of each provider', () => {
  for (const { manifest } of [claude, codex, gemini]) {
    const covered = tables.filter(({ provider }) => provider.manifest.id === manifest.id);
    const taken = covered.flatMap(({ on }) => kinds[on] as readonly string[]);
    expect(manifest.logins.filter(({ kind }) => !taken.includes(kind))).toEqual([]);
  }
});
