import { checkCallback, createLogin, step } from '@sallyport/core/engine';
import type { LoginAction, LoginObservation } from '@sallyport/core/engine';
import type { LoginMethod } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { describe, expect, it } from 'vitest';

/** What the sign-in page answers in place of a code, and what the login comes to (RFC 6749 §4.1.2.1, OpenID Connect §3.1.2.6). */

const denied = /refused/;
const busy = /in a few minutes/;
const broken = /answered with an error/;

const errors: readonly (readonly [error: string, code: string, message: RegExp])[] = [
  ['access_denied', 'LOGIN_DENIED', denied],
  ['consent_required', 'LOGIN_DENIED', denied],
  ['temporarily_unavailable', 'LOGIN_FAILED', busy],
  ['server_error', 'LOGIN_FAILED', busy],
  ['invalid_request', 'LOGIN_FAILED', broken],
  ['invalid_scope', 'LOGIN_FAILED', broken],
  ['unauthorized_client', 'LOGIN_FAILED', broken],
  ['unsupported_response_type', 'LOGIN_FAILED', broken],
  ['login_required', 'LOGIN_FAILED', broken],
  ['interaction_required', 'LOGIN_FAILED', broken],
  ['account_selection_required', 'LOGIN_FAILED', broken],
  ['Access_Denied', 'LOGIN_FAILED', broken],
  ['something_new', 'LOGIN_FAILED', broken],
];

/** What the CLI prints, whatever the error was; what it prints may quote the page. */
const lastWords: Readonly<Record<string, (error: string) => string>> = {
  claude_code: () => 'No authorization code received',
  codex: (error) => `Error logging in: Sign-in failed: ${error}`,
  gemini_cli: (error) => `Google OAuth error: ${error}. canary-description`,
};

const methods = [claude, codex, gemini].flatMap(({ manifest }) =>
  manifest.logins
    .filter(({ kind, drive }) => kind === 'loopback-callback' && drive.kind === 'terminal')
    .map((method) => [manifest.id, method.id, method] as const),
);

/** The login of this method until it ends, from the moment at which its page has answered. */
function endOf(method: LoginMethod, error: string, after: readonly LoginObservation[]): LoginAction | undefined {
  const query = new URLSearchParams({ state: 's', error, error_description: 'canary-description' });
  const verdict = checkCallback(query, { state: 's', path: '/callback', used: false });
  if (!verdict.ok) throw new Error(verdict.reason);
  const observations: readonly LoginObservation[] = [
    { type: 'tick', elapsedMs: 0 },
    { type: 'callback', ok: true, ...(verdict.outcome === 'error' && { error: verdict.error }) },
    ...after,
  ];
  let state = createLogin(method);
  for (const observation of observations) {
    const next = step(state, observation);
    state = next.state;
    const end = next.actions.find(({ type }) => type === 'fail' || type === 'finish');
    if (end) return end;
  }
  return undefined;
}

const screen = (line: string): LoginObservation => ({ type: 'screen', screen: { lines: [line], links: [] } });
const tick = (elapsedMs: number): LoginObservation => ({ type: 'tick', elapsedMs });
const exit: LoginObservation = { type: 'exit', code: 1, signal: null };

describe.each(methods)('%s, %s: the error of the sign-in page', (provider, _id, method) => {
  it.each(errors)('%s ends the login as %s, however the CLI takes it', (error, code, message) => {
    const words = lastWords[provider]?.(error) ?? '';
    for (const after of [
      [screen(words), exit],
      [screen(words), tick(1000), tick(10_000)],
      [screen('Nothing that a rule knows.'), exit],
      [exit],
      [screen('Waiting for the browser.'), tick(1000), tick(31_000), tick(32_000)],
    ]) {
      const end = endOf(method, error, after);
      expect(end).toMatchObject({ type: 'fail', code, message: expect.stringMatching(message) });
      expect(JSON.stringify(end)).not.toContain('canary');
    }
  });
});

it('covers each provider', () => {
  expect(new Set(methods.map(([provider]) => provider)).size).toBe(3);
});
