import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { asRecord, tryParseJson } from '@sallyport/core/provider';
import { describeProvider, loadTranscript } from '@sallyport/testkit';
import type { HeadlessCase, Transcript, TranscriptCase } from '@sallyport/testkit';
import { provider } from './index.ts';

const fixture = (path: string): URL => new URL(`__fixtures__/${path}`, import.meta.url);
const recording = (name: string): Transcript => loadTranscript(fixture(`transcripts/claude-2.1.330-${name}`));
const read = (path: string): string => readFileSync(fixture(path), 'utf8');

const nothing = { urls: [], userCodes: [], asked: [], sent: [] };

/** What the browser command received. The recordings hold only what was printed, which is another link. */
const callbackLink = (scope: string): string =>
  `https://claude.com/cai/oauth/authorize?${new URLSearchParams({
    code: 'true',
    client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
    response_type: 'code',
    redirect_uri: 'http://localhost:38113/callback',
    scope,
    code_challenge: 'BpDCzGaHvoRwLquzGBrsIE4X-N0ekut9g4XTW2NvcrU',
    code_challenge_method: 'S256',
    state: 'hQvwUFtwepHs0W51sK-G5IhKVFig1a37KFsNhi4DLuY',
  }).toString()}`;
const fullLink = callbackLink('org:create_api_key user:profile user:inference');
const tokenLink = callbackLink('user:inference');

const shortLink = expect.stringMatching(/^https:\/\/claude\.ai\/oauth\/authorize\?[\w-]{44,48}$/);
const longLink = expect.stringMatching(
  /^https:\/\/(claude\.com\/cai|platform\.claude\.com)\/oauth\/authorize\?code=true&client_id=9d1c250a-.*&state=[\w-]{43}$/,
);

const browser = (name: string): TranscriptCase => ({
  transcript: recording(name),
  method: 'browser',
  browserCommand: true,
  browserLink: fullLink,
  expected: { ...nothing, urls: [fullLink], result: 'finished' },
});

const listener = 38_113;
const listenerLink = expect.stringMatching(
  /^https:\/\/claude\.com\/cai\/oauth\/authorize\?code=true&client_id=9d1c250a-.*&redirect_uri=http%3A%2F%2Flocalhost%3A38113%2Fcallback&.*&state=[\w-]{43}$/,
);

/** A CLI that does not call its browser command: the link it prints is led to its listener, where that is known. */
const unopened = (name: string, listeningPort: number | undefined, urls: readonly unknown[]): TranscriptCase => ({
  transcript: recording(name),
  method: 'browser',
  listeningPort,
  expected: { ...nothing, urls, result: 'waiting' },
});

/** The prompt is on the screen while the browser finishes the login, so the user may be asked for nothing. */
const unanswered = (name: string, link: unknown, result: string): TranscriptCase => ({
  transcript: recording(name),
  method: 'paste-code',
  expected: { ...nothing, urls: [link], asked: ['code'], result },
});

const pasted = (name: string, link: unknown, code: string): TranscriptCase => ({
  transcript: recording(name),
  method: 'paste-code',
  answers: { code },
  expected: { ...nothing, urls: [link], asked: ['code'], sent: [`${code}\r`], result: 'finished' },
});

const fullScreen = (name: string, id: string, link: string, sent: readonly string[]): TranscriptCase => ({
  transcript: recording(name),
  method: id,
  browserCommand: true,
  browserLink: link,
  expected: { ...nothing, urls: [link], sent, result: 'finished' },
});

const headless = (name: string, exit: number, end: object): HeadlessCase => ({
  name,
  stdout: read(`headless/claude-2.1.330-${name}.stdout`),
  stderr: read(`headless/claude-2.1.330-${name}.stderr`),
  exit,
  end,
});

const credential = read('credentials/claude-2.1.330.credentials.json');
/** A refresh replaces both tokens, and the access token ends later. */
const refreshed = JSON.stringify({
  claudeAiOauth: {
    ...asRecord(asRecord(tryParseJson(credential))['claudeAiOauth']),
    accessToken: 'sk-ant-oat01-FAKE-39-0123456789ab',
    refreshToken: 'sk-ant-ort01-FAKE-40-0123456789ab',
    expiresAt: 1795484472611,
  },
});
const settings = read('credentials/claude-2.1.330.dot-claude.json');
const hello = 'Hello from the fake model.';

describeProvider(
  provider,
  {
    transcripts: [
      browser('auth-login-80x24'),
      browser('auth-login-2000x50'),
      unopened('auth-login-fulllink-nobrowser-80x24', listener, [listenerLink]),
      unopened('auth-login-fulllink-nobrowser-80x24', undefined, []),
      unopened('auth-login-nobrowser-80x24', listener, []),
      unanswered('auth-login-80x24', shortLink, 'finished'),
      unanswered('auth-login-console-80x24', longLink, 'finished'),
      unanswered('auth-login-nobrowser-80x24', shortLink, 'waiting'),
      unanswered('auth-login-fulllink-nobrowser-80x24', longLink, 'waiting'),
      pasted('auth-login-shortlink-paste-80x24', shortLink, 'code-FAKE-1-584739c800bd#state-from-server'),
      pasted(
        'auth-login-fulllink-paste-80x24',
        longLink,
        'code-FAKE-34-499ee84f26a1#HSGipaq0pGkeSmWPXaX14gDYmfaf9v9xZmVAm5MTBD4',
      ),
      pasted(
        'auth-login-fulllink-paste-2000x50',
        longLink,
        'code-FAKE-37-9db162e4c4bb#KERgwwP7c-FPXADsG8knp1zCDXPwrKzUJ9f3eWeA_kM',
      ),
      {
        ...browser('auth-login-80x24'),
        credentialProblem: 'auth: missing /claudeAiOauth/accessToken',
        expected: { ...nothing, urls: [fullLink], result: 'CREDENTIAL_INCOMPLETE' },
      },
      fullScreen('setup-token-browser-80x24', 'setup-token', tokenLink, []),
      fullScreen('setup-token-browser-2000x50', 'setup-token', tokenLink, []),
      {
        transcript: recording('setup-token-nobrowser-paste-80x24'),
        method: 'setup-token-paste',
        answers: { code: 'code-FAKE-20-9966e53e9455#state-from-server' },
        expected: {
          ...nothing,
          urls: [shortLink],
          asked: ['code'],
          sent: ['code-FAKE-20-9966e53e9455#state-from-server', '\r'],
          result: 'finished',
        },
      },
      fullScreen('tui-first-run-browser-80x24', 'first-start', fullLink, ['\r', '\r']),
      fullScreen('tui-first-run-browser-2000x50', 'first-start', fullLink, ['\r', '\r']),
      {
        transcript: recording('tui-first-run-nobrowser-paste-80x24'),
        method: 'first-start-paste',
        answers: { code: 'code-FAKE-11-a75c7015b99e#state-from-server' },
        expected: {
          ...nothing,
          urls: [shortLink],
          asked: ['code'],
          sent: ['\r', '\r', 'code-FAKE-11-a75c7015b99e#state-from-server', '\r'],
          result: 'finished',
        },
      },
    ],
    credentials: [
      {
        name: 'of 2.1.330',
        files: { auth: credential, settings },
        refreshed: { auth: refreshed, settings },
        facts: { kind: 'plan', account: 'fake@example.test (max)', loginExpiresAt: 1798044072611 },
      },
      {
        name: 'of 2.1.197',
        files: { auth: read('credentials/claude-2.1.197.credentials.json') },
        facts: { kind: 'plan', accessExpiresAt: 1795481247444 },
      },
      { name: 'of setup-token', files: { token: 'sk-ant-oat01-FAKE-15-0f9b8be8d2ae' }, facts: { kind: 'plan' } },
      { name: 'that is an API key', files: { api_key: 'sk-ant-api03-FAKE-key' }, facts: { kind: 'api-key' } },
    ],
    headless: [
      { ...headless('ok', 0, { outcome: 'completed' }), text: hello },
      { ...headless('partial', 0, { outcome: 'completed' }), text: hello },
      { ...headless('tool', 0, { outcome: 'completed' }), text: hello },
      { ...headless('refresh-ok', 0, { outcome: 'completed' }), text: hello },
      { ...headless('not-logged-in', 1, { outcome: 'relogin-needed' }), text: '' },
      { ...headless('refresh-fails', 1, { outcome: 'relogin-needed' }), text: '' },
      { ...headless('api401', 1, { outcome: 'relogin-needed' }), text: '' },
      headless('resume-unknown', 1, { outcome: 'failed', message: expect.stringContaining('No conversation found') }),
    ],
  },
  { describe, it, expect },
);
