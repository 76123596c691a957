import { readFileSync } from 'node:fs';

import {
  describeProvider,
  loadTranscript,
  type HeadlessCase,
  type Transcript,
  type TranscriptCase,
} from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { provider } from './index.ts';

const fixture = (name: string): URL => new URL(`__fixtures__/opencode-1.18.33${name}`, import.meta.url);
const read = (name: string): string => readFileSync(fixture(name), 'utf8');

const login = (size: string): TranscriptCase => {
  const transcript = loadTranscript(fixture(`-auth-login-${size}`));
  return {
    transcript,
    method: 'device-code',
    expected: {
      urls: ['https://github.com/login/device'],
      userCodes: [shownCode(transcript)],
      asked: [],
      sent: ['\r'],
      result: 'finished',
    },
  };
};

const headless = (name: string, exit: number, end: object): HeadlessCase => ({
  name,
  exit,
  end,
  stdout: read(`-${name}.stdout`),
  stderr: read(`-${name}.stderr`),
});

describeProvider(
  provider,
  {
    transcripts: [login('80x24'), login('2000x50')],
    credentials: [{ name: 'of 1.18.33', files: { auth: read('.auth.json') } }],
    headless: [
      { ...headless('ok', 0, { outcome: 'completed' }), text: 'Hello from the practice model. You said: how are you?' },
      { ...headless('tool', 0, { outcome: 'completed' }), text: 'I have written note.txt.' },
      headless('refused-tool', 0, { outcome: 'completed' }),
      headless('revoked', 1, { outcome: 'failed', message: 'The access token is unknown.' }),
      headless('unknown-session', 1, { outcome: 'failed', message: expect.stringContaining('Session not found') }),
    ],
  },
  { describe, it, expect },
);

function shownCode({ name, bytes }: Transcript): string {
  const code = /Enter code: ([A-Z]{4}-[A-Z]{4})/.exec(Buffer.from(bytes).toString('utf8'))?.[1];
  if (code === undefined) throw new Error(`There is no code in ${name}.`);
  return code;
}
