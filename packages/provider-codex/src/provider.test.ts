import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { asRecord, manifestSchema, tryParseJson } from '@sallyport/core/provider';
import { describeProvider, loadRpcTranscript, loadTranscript, pauseBefore } from '@sallyport/testkit';
import type { ConversationCase, HeadlessCase, Transcript, TranscriptCase } from '@sallyport/testkit';
import { provider } from './index.ts';
import { browserLogin } from './logins.ts';

const fixture = (path: string): URL => new URL(`__fixtures__/${path}`, import.meta.url);
const recording = (name: string): Transcript => loadTranscript(fixture(`transcripts/codex-0.169.0-${name}`));

const authorizeUrl = expect.stringMatching(
  /^https:\/\/auth\.openai\.com\/oauth\/authorize\?response_type=code&.*&originator=codex(_cli_rs|-tui)$/,
);
const nothing = { urls: [], userCodes: [], asked: [], sent: [] };
const browserCommand = true;

const auth = readFileSync(fixture('credentials/codex-0.169.0.auth.json'), 'utf8');

/**
 * The first-run screens of `codex --no-daemon`. Not in the manifest, since a daemon may outlive that command; it
 * is here because its link is a hyperlink sequence and its text is drawn row by row.
 */
const firstRun = manifestSchema.shape.logins.element.parse({
  ...browserLogin,
  id: 'first-run',
  drive: {
    kind: 'terminal',
    argv: ['--no-daemon'],
    steps: [{ id: 'chatgpt', when: { text: 'Press enter to continue' }, do: { kind: 'send', text: '\r' } }],
  },
  url: { ...browserLogin.url, sources: ['osc8'] },
  success: [{ text: 'Signed in with your ChatGPT account' }],
  failure: [{ when: { text: 'workspace routing discovery failed' }, code: 'LOGIN_FAILED', message: 'No workspace.' }],
});

const browser = (name: string, result: string): TranscriptCase => ({
  transcript: recording(name),
  method: 'browser',
  browserCommand,
  expected: { ...nothing, urls: [authorizeUrl], result },
});

const slowBrowser = (name: string): TranscriptCase => ({
  transcript: pauseBefore(recording(name), 'Successfully', 3000),
  method: 'browser',
  expected: { ...nothing, urls: [authorizeUrl], result: 'finished' },
});

const deviceCode = (name: string): TranscriptCase => ({
  transcript: recording(name),
  method: 'device-code',
  expected: {
    ...nothing,
    urls: ['https://auth.openai.com/codex/device'],
    userCodes: ['ABCD-12345'],
    result: 'finished',
  },
});

const screens = (name: string): TranscriptCase => ({
  transcript: recording(name),
  method: firstRun,
  expected: { ...nothing, urls: [authorizeUrl], sent: ['\r'], result: 'LOGIN_FAILED' },
});

const conversation = (
  name: string,
  result: string,
  change: Partial<ConversationCase['expected']> = {},
): ConversationCase => ({
  transcript: loadRpcTranscript(fixture(`conversations/codex-0.169.0-${name}`)),
  method: name.replace(/-(approve|deny)$/, ''),
  expected: {
    ...nothing,
    urls: [expect.stringMatching(/^https:\/\/auth\.openai\.com\/oauth\/authorize\?.*&originator=sallyport$/)],
    sent: ['initialize', 'initialized', 'account/login/start'],
    result,
    ...change,
  },
});

const device = {
  urls: ['https://auth.openai.com/codex/device'],
  userCodes: [expect.stringMatching(/^[A-Z]{4}-[A-Z]{5}$/)],
};

const appServer = (name: string, end: object): HeadlessCase => ({
  name: `app server ${name}`,
  stdout: '',
  stderr: '',
  rpc: readFileSync(fixture(`headless/codex-0.169.0-app-server-${name}.jsonl`), 'utf8'),
  exit: 0,
  end,
});

const headless = (name: string, exit: number, end: object): HeadlessCase => ({
  name,
  stdout: readFileSync(fixture(`headless/codex-0.169.0-${name}.stdout`), 'utf8'),
  stderr: readFileSync(fixture(`headless/codex-0.169.0-${name}.stderr`), 'utf8'),
  exit,
  end,
});

describeProvider(
  provider,
  {
    transcripts: [
      browser('login-80x24', 'finished'),
      browser('login-2000x50', 'finished'),
      slowBrowser('login-80x24'),
      slowBrowser('login-2000x50'),
      deviceCode('login-device-auth-80x24'),
      deviceCode('login-device-auth-2000x50'),
      browser('login-denied-80x24', 'LOGIN_DENIED'),
      browser('login-cancelled-80x24', 'LOGIN_CANCELLED'),
      browser('login-exchange-failed-80x24', 'LOGIN_FAILED'),
      {
        transcript: recording('login-port-taken-80x24'),
        method: 'browser',
        expected: { ...nothing, result: 'LOGIN_PORT_TAKEN' },
      },
      {
        transcript: recording('login-with-api-key-80x24'),
        method: 'browser',
        credentialProblem: 'auth: missing /tokens/access_token',
        expected: { ...nothing, result: 'CREDENTIAL_INCOMPLETE' },
      },
      screens('tui-first-run-answered-80x24'),
      screens('tui-first-run-unanswered-80x24'),
      screens('tui-first-run-answered-2000x50'),
      screens('tui-first-run-unanswered-2000x50'),
    ],
    credentials: [
      {
        name: 'of 0.169.0',
        files: { auth },
        facts: { kind: 'plan', account: 'fake@example.test (plus)' },
        refreshed: { auth: refreshed(auth) },
      },
      {
        name: 'of older versions',
        files: { auth: olderShape() },
        facts: { kind: 'plan' },
        refreshed: { auth: refreshed(olderShape()) },
      },
    ],
    headless: [
      { ...headless('ok', 0, { outcome: 'completed' }), text: 'Hello from the fake model.' },
      { ...headless('tool', 0, { outcome: 'completed' }), text: 'Hello from the fake model.' },
      headless('api401', 1, { outcome: 'relogin-needed' }),
      headless('refresh-fails', 1, { outcome: 'relogin-needed' }),
      headless('resume-unknown', 1, { outcome: 'failed' }),
      {
        ...appServer('ok', { outcome: 'completed' }),
        text: 'Hello from the practice model. You said: how are you?',
      },
      { ...appServer('tool', { outcome: 'completed' }), text: 'I have written note.txt.' },
      appServer('resume-unknown', { outcome: 'failed' }),
      appServer('refresh-fails', { outcome: 'relogin-needed' }),
      appServer('no-creds', { outcome: 'relogin-needed' }),
    ],
    conversations: [
      conversation('app-server-approve', 'finished'),
      conversation('app-server-deny', 'LOGIN_DENIED'),
      conversation('app-server-device-code-approve', 'finished', device),
      conversation('app-server-device-code-deny', 'LOGIN_DENIED', device),
    ],
  },
  { describe, it, expect },
);

/** What a refresh changes in the file. */
function refreshed(text: string): string {
  const file = asRecord(tryParseJson(text));
  const tokens = { ...asRecord(file['tokens']), refresh_token: 'rt-FAKE-9-0123456789ab' };
  return JSON.stringify({ ...file, tokens, last_refresh: '2026-11-24T16:33:15.298037817Z' });
}

/** Four tokens and no mode: versions before the provenance of a login was kept. */
function olderShape(): string {
  const { tokens, last_refresh } = asRecord(tryParseJson(auth));
  const { id_token, access_token, refresh_token, account_id } = asRecord(tokens);
  const kept = { id_token, access_token, refresh_token, account_id };
  return JSON.stringify({ OPENAI_API_KEY: null, tokens: kept, last_refresh });
}
