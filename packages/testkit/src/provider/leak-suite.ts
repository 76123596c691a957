import { missingParts } from '@sallyport/core/engine';
import type { LoginAction } from '@sallyport/core/engine';
import type { CredentialFiles, Provider } from '@sallyport/core/provider';

import type { TestRunner } from '../runner.ts';
import { showFirst } from '../transcript.ts';
import type { Transcript } from '../transcript.ts';
import { captureOutput } from './capture-output.ts';
import { namesSecret, secretsIn, withValue } from './credential-suite.ts';
import type { CredentialCase } from './credential-suite.ts';
import { observationsOf, readPrompt } from './headless-suite.ts';
import type { HeadlessCase } from './headless-suite.ts';
import { createPlayer } from './replay.ts';
import { methodOf } from './transcript-suite.ts';
import type { TranscriptCase } from './transcript-suite.ts';

/** Longer than the engine hesitates before it uses what it sees. */
const WHILE_MS = 3000;

/**
 * Lets the CLI show its own credential where it should not, and searches everything that a replay produces for it:
 * the messages of the login, the events of a prompt, the problems of a credential, and the output of this process.
 */
export function leakSuite(
  provider: Provider,
  recorded: {
    readonly transcripts: readonly TranscriptCase[];
    readonly credentials: readonly CredentialCase[];
    readonly headless: readonly HeadlessCase[];
  },
  { describe, it, expect }: TestRunner,
): void {
  const secrets = [...new Set(recorded.credentials.flatMap(({ files }) => secretsIn(files)))];
  const leaked = (told: unknown): readonly string[] =>
    secrets.filter((secret) => JSON.stringify(told).includes(secret));

  describe('a secret', () => {
    it('is in no recording', () => {
      const shown = recorded.transcripts.map(({ transcript }) => Buffer.from(transcript.bytes).toString('latin1'));
      const printed = recorded.headless.flatMap(({ stdout, stderr }) => [stdout, stderr]);
      expect(leaked([...shown, ...printed])).toEqual([]);
    });

    for (const item of recorded.transcripts) {
      const method = methodOf(provider, item.method);
      it(`on the screen of ${item.transcript.name} (${method.id}) gets no further`, async () => {
        for (const transcript of betraying(item.transcript, secrets)) {
          const told: LoginAction[] = [];
          const player = createPlayer(transcript, method, {
            ...item,
            browserCommand: false,
            onAction: (action) => told.push(action),
          });
          const { printed } = await captureOutput(() => player.whole([]));
          expect(leaked([told.filter(({ type }) => type !== 'send'), printed]), transcript.name).toEqual([]);
        }
      });
    }

    for (const item of recorded.headless) {
      it(`among what is printed by ${item.name} gets no further`, async () => {
        const { parse } = provider;
        if (!parse) return;
        const lines = secrets.flatMap((secret) => [
          { type: 'stdout', line: JSON.stringify({ type: 'debug', access_token: secret }) } as const,
          { type: 'stdout', line: `access_token=${secret}` } as const,
          { type: 'stderr', line: `Authorization: Bearer ${secret}` } as const,
          {
            type: 'rpc',
            message: { method: 'something/new', params: { message: secret, access_token: secret } },
          } as const,
          { type: 'rpc', message: { id: 'unasked', result: { text: secret } } } as const,
        ]);
        const seen = observationsOf(item);
        const { result, printed } = await captureOutput(() =>
          readPrompt(parse, [...lines, ...seen.slice(0, -1), ...lines, ...seen.slice(-1)]),
        );
        expect(leaked([result, printed])).toEqual([]);
      });
    }

    it('is not told by the facts of a credential, whichever item it is in', () => {
      const canary = 'canary-0123456789abcdef0123456789abcdef';
      const told = (files: CredentialFiles): boolean =>
        JSON.stringify(provider.inspect?.(files) ?? {}).includes(canary);
      for (const item of provider.manifest.credentials) {
        expect(told({ [item.id]: canary }), item.id).toBe(false);
        if (item.as !== 'file' || item.role !== 'secret') continue;
        for (const { files } of recorded.credentials) {
          const text = files[item.id];
          if (text === undefined || item.format === 'text') continue;
          const telling = item.require.filter(
            (pointer) => namesSecret(pointer) && told({ ...files, [item.id]: withValue(text, pointer, canary) }),
          );
          expect(telling, item.id).toEqual([]);
        }
      }
    });

    it('is not quoted where its file is cut off', async () => {
      for (const { files } of recorded.credentials) {
        const cut = Object.fromEntries(Object.entries(files).map(([id, text]) => [id, text.slice(0, -2)]));
        const { result, printed } = await captureOutput(() => ({
          missing: missingParts(provider.manifest.credentials, cut),
          facts: provider.inspect?.(cut),
        }));
        expect(leaked([result, printed])).toEqual([]);
      }
    });
  });
}

/** The recording with secrets before and after it; and a CLI that shows them and crashes, or goes silent. */
function betraying(transcript: Transcript, secrets: readonly string[]): readonly Transcript[] {
  const text = secrets.map((secret) => `access_token: ${secret}\r\n`).join('');
  const bytes = new TextEncoder().encode(text);
  const alone = { ...transcript, bytes, pauses: [] };
  const before = showFirst(transcript, text, WHILE_MS);
  const after = { ...transcript, bytes: Uint8Array.from([...transcript.bytes, ...bytes]) };
  const silence = [{ offset: bytes.length, silentMs: 2 * 60 * 60_000 }];
  return [
    { ...before, name: 'shown first' },
    { ...after, name: 'shown last' },
    { ...alone, name: 'shown before a crash', exit: 3 },
    { ...alone, name: 'shown until time is over', exit: null, pauses: silence },
  ];
}
