import { readFileSync } from 'node:fs';

import { describeProvider, loadTranscript } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { provider } from './index.ts';

const fixture = (name: string): URL => new URL(`__fixtures__/${name}`, import.meta.url);
const read = (name: string): string => readFileSync(fixture(name), 'utf8');

describeProvider(
  provider,
  {
    transcripts: [
      {
        transcript: loadTranscript(fixture('vendor-1.0.0-device-code-80x24')),
        method: 'device-code',
        expected: {
          urls: ['https://auth.vendor.example/device'],
          userCodes: [expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/)],
          asked: [],
          sent: [],
          result: 'finished',
        },
      },
    ],
    credentials: [
      {
        name: 'of 1.0.0',
        files: { auth: read('vendor-1.0.0.auth.json') },
        facts: { account: 'person@vendor.example', blank: false },
        refreshed: { auth: read('vendor-1.0.0.auth-refreshed.json') },
      },
    ],
    headless: [
      {
        name: 'an answer',
        stdout: read('vendor-1.0.0-ok.stdout'),
        stderr: '',
        exit: 0,
        end: { outcome: 'completed' },
        text: 'Hello. How can I help?',
      },
      {
        name: 'a run without a login',
        stdout: '',
        stderr: read('vendor-1.0.0-signed-out.stderr'),
        exit: 1,
        end: { outcome: 'failed', message: 'Not signed in. Run: vendor login' },
      },
    ],
  },
  { describe, it, expect },
);
