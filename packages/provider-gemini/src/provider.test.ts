import { readFileSync } from 'node:fs';

import { asRecord, manifestSchema, tryParseJson } from '@sallyport/core/provider';
import { describeProvider, loadRpcTranscript, loadTranscript } from '@sallyport/testkit';
import type { ConversationCase, HeadlessCase, Transcript, TranscriptCase } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { provider } from './index.ts';
import { pasteCodeLogin } from './logins.ts';

const fixture = (path: string): URL => new URL(`__fixtures__/${path}`, import.meta.url);
const recording = (name: string): Transcript => loadTranscript(fixture(`transcripts/gemini-0.61.0-${name}`));

const credential = readFileSync(fixture('credentials/gemini-0.61.0.oauth_creds.json'), 'utf8');

const nothing = { urls: [], userCodes: [], asked: [], sent: [] };
const browserUrl = (port: number, state: string): string =>
  `https://accounts.google.com/o/oauth2/v2/auth?redirect_uri=http%3A%2F%2F127.0.0.1%3A${port}%2Foauth2callback&access_type=offline&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.profile&state=${state}&response_type=code&client_id=681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com`;

/** With the link that the CLI gave to `xdg-open`: on the narrow screen it is broken into rows. */
const browser = (name: string, url: string): TranscriptCase => ({
  transcript: recording(name),
  method: 'browser',
  browserCommand: true,
  browserLink: url,
  browserCalledAfter: 'Otherwise navigate to:',
  expected: { ...nothing, urls: [url], sent: ['\r', '\r'], result: 'finished' },
});

const paste = (name: string, code: string): TranscriptCase => ({
  transcript: recording(name),
  method: 'paste-code',
  answers: { authorization_code: code },
  expected: {
    ...nothing,
    urls: [
      expect.stringMatching(
        /^https:\/\/accounts\.google\.com\/o\/oauth2\/v2\/auth\?redirect_uri=.*googleusercontent\.com$/,
      ),
    ],
    asked: ['authorization_code'],
    sent: [`${code}\r`],
    result: 'finished',
  },
});

const conversation = (name: string, result: string): ConversationCase => ({
  transcript: loadRpcTranscript(fixture(`conversations/gemini-0.61.0-${name}`)),
  method: 'acp',
  expected: {
    ...nothing,
    urls: [expect.stringMatching(/^https:\/\/accounts\.google\.com\/o\/oauth2\/v2\/auth\?/)],
    sent: ['initialize', 'authenticate'],
    result,
  },
});

const headless = (name: string, exit: number, end: object): HeadlessCase => ({
  name,
  stdout: readFileSync(fixture(`headless/gemini-0.61.0-${name}.stdout`), 'utf8'),
  stderr: readFileSync(fixture(`headless/gemini-0.61.0-${name}.stderr`), 'utf8'),
  exit,
  end,
});

describeProvider(
  provider,
  {
    transcripts: [
      browser(
        'login-browser-80x24',
        browserUrl(38517, 'ecc66ab243afb6417d038a236be00602fd125c7bf03c358dad236c66bf03d621'),
      ),
      browser('login-browser-2000x50', recordedLink('login-browser-2000x50')),
      paste('login-nobrowser-80x24', '4/code-FAKE-51-14890ee59f9c'),
      paste('login-nobrowser-2000x50', '4/code-FAKE-54-539cdd2394cb'),
      ...['tui-first-run-answered-80x24', 'tui-first-run-unanswered-80x24'].map(firstRun),
    ],
    credentials: [
      {
        name: 'of 0.61.0',
        files: { oauth_creds: credential },
        // Google gives a new access token, and keeps the refresh token.
        refreshed: {
          oauth_creds: JSON.stringify({
            ...asRecord(tryParseJson(credential)),
            access_token: 'ya29.FAKE-9-0123456789ab',
            expiry_date: 1795459914331,
          }),
        },
        facts: { kind: 'plan', account: 'fake@example.test', accessExpiresAt: 1795456314331 },
      },
    ],
    conversations: [conversation('acp-approve', 'finished'), conversation('acp-deny', 'LOGIN_DENIED')],
    headless: [
      { ...headless('ok', 0, { outcome: 'completed' }), text: 'Hello from the fake model.' },
      { ...headless('tool', 0, { outcome: 'completed' }), text: 'Hello from the fake model.' },
      headless('no-creds', 41, { outcome: 'relogin-needed' }),
      headless('refresh-fails', 41, { outcome: 'relogin-needed' }),
      headless('revoked', 41, { outcome: 'relogin-needed' }),
    ],
  },
  { describe, it, expect },
);

/** On the wide screen the link is one line. */
function recordedLink(name: string): string {
  const text = Buffer.from(recording(name).bytes).toString('latin1');
  const found = /https:\/\/accounts\.google\.com\/o\/oauth2\/v2\/auth\?[\x21-\x7e]+/.exec(text)?.[0];
  if (found === undefined) throw new Error(`There is no sign-in link in ${name}.`);
  return found;
}

/** The screens before the settings and the directory's trust exist; the manifest presets both. They name no link. */
function firstRun(name: string): TranscriptCase {
  const method = manifestSchema.shape.logins.element.parse({ ...pasteCodeLogin, id: 'first-run' });
  return { transcript: recording(name), method, expected: { ...nothing, result: 'waiting' } };
}
