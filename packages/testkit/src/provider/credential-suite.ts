import { tryParseJsonc } from '@sallyport/core/driver';
import { canonicalJson, decide, keysOfPointer, missingParts, namedValuesIn, tokensIn } from '@sallyport/core/engine';
import { digest } from '@sallyport/core/provider';
import type { CaptureReason, Decision } from '@sallyport/core/engine';
import type { CredentialFacts, CredentialFiles, Provider } from '@sallyport/core/provider';
import * as fc from 'fast-check';

import { checkProperty } from '../check-property.ts';
import type { TestRunner } from '../runner.ts';

/** A credential as the CLI writes it, with values that are nobody's. */
export interface CredentialCase {
  readonly name: string;
  readonly files: CredentialFiles;
  /** What the provider's `inspect` says about it, at least. */
  readonly facts?: object;
  /** The same login after the CLI's next refresh: with it, the files above are stale. */
  readonly refreshed?: CredentialFiles;
}

export function credentialSuite(
  provider: Provider,
  cases: readonly CredentialCase[],
  { describe, it, expect }: TestRunner,
): void {
  const items = provider.manifest.credentials;
  const accepted = (files: CredentialFiles): boolean =>
    missingParts(items, files).length === 0 && provider.inspect?.(files).blank !== true;

  describe('the credential', () => {
    it('has an example of a refresh where it rotates', () => {
      const rotates = items.some((item) => item.as === 'file' && item.rotates);
      expect(rotates && cases.every(({ refreshed }) => refreshed === undefined)).toBe(false);
    });

    it('is looked at without a mishap whatever its files hold', async () => {
      await checkProperty(
        fc.property(anyFiles(items.map(({ id }) => id)), anyFiles(items.map(({ id }) => id)), (next, old) => {
          const [after, before] = [provider.inspect?.(next), provider.inspect?.(old)];
          if (after && before) provider.supersedes?.(after, before);
          missingParts(items, next);
        }),
        { runs: 500 },
      );
    });

    for (const { name, files, facts, refreshed } of cases) {
      it(`${name} is accepted whole`, () => {
        expect(accepted(files)).toBe(true);
        if (facts) expect(provider.inspect?.(files)).toMatchObject(facts);
      });

      if (refreshed !== undefined) {
        it(`${name} is replaced by its refresh, and refused once that is stored`, () => {
          expect(accepted(refreshed)).toBe(true);
          expect(decided(provider, files, refreshed, 'rotation')).toMatchObject({ kind: 'store' });
          // For a user's file, unlike for that of the machine that refreshes, only the provider can tell.
          expect(decided(provider, files, refreshed, 'import')).toMatchObject({ kind: 'store' });
          for (const reason of ['rotation', 'harvest', 'import'] as const) {
            // Where the refresh token stays the same, a machine's older file is as good as what is stored, which stays.
            expect(decided(provider, refreshed, files, reason, wasStored(reason)).kind === 'store', reason).toBe(false);
          }
        });
      }

      for (const [id, text] of Object.entries(files)) {
        const item = items.find((candidate) => candidate.id === id);
        if (item?.as !== 'file' || item.role !== 'secret') continue;
        it(`${name} is refused with ${id} blank, absent or cut off anywhere`, () => {
          const { [id]: _, ...others } = files;
          expect(accepted(others)).toBe(false);
          for (const blank of ['', ' \n', '{}', 'null', '[]', '\0\0\0\0']) {
            expect(accepted({ ...files, [id]: blank }), JSON.stringify(blank)).toBe(false);
          }
          const wrong = Array.from({ length: text.trimEnd().length }, (_unused, length) => length).filter((length) =>
            accepted({ ...files, [id]: text.slice(0, length) }),
          );
          expect(wrong).toEqual([]);
        });

        it(`${name} is refused with any required part of ${id} emptied`, () => {
          const wrong = item.require.filter((pointer) => accepted({ ...files, [id]: withValue(text, pointer, '') }));
          expect(wrong).toEqual([]);
        });
      }

      it(`${name} says nothing secret about itself, and does not supersede itself`, () => {
        const found = provider.inspect?.(files);
        const told = JSON.stringify(found ?? {});
        expect(secretsIn(files).filter((secret) => told.includes(secret))).toEqual([]);
        if (found) expect(provider.supersedes?.(found, found) ?? false).toBe(false);
      });
    }
  });
}

/** A machine can only have an older file of a login that was stored. A user may bring one that never was. */
function wasStored(reason: CaptureReason): number | undefined {
  return reason === 'import' ? undefined : 1;
}

/** What the ledger does with `offered` while it has `stored`. */
function decided(
  provider: Provider,
  stored: CredentialFiles,
  offered: CredentialFiles,
  reason: CaptureReason,
  lineageVersion?: number,
): Decision {
  const facts = (files: CredentialFiles): CredentialFacts =>
    provider.inspect?.(files) ?? { kind: 'plan', blank: false };
  const sha256 = (files: CredentialFiles): string => digest(canonicalJson(files));
  return decide(
    {
      version: 1,
      sha256: sha256(stored),
      facts: facts(stored),
      valid: true,
      invalidReason: null,
      holder: 'm-1',
      diskNonce: undefined,
      rolledBack: false,
    },
    {
      sha256: sha256(offered),
      facts: facts(offered),
      reason,
      missing: missingParts(provider.manifest.credentials, offered),
      seenVersion: undefined,
      lineageVersion,
      machineId: reason === 'import' ? undefined : 'm-1',
    },
    provider.supersedes,
  );
}

/** Bytes that nobody meant as a credential, and JSON of every other shape. */
function anyFiles(ids: readonly string[]): fc.Arbitrary<CredentialFiles> {
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
    fc.json(),
  );
  return fc.dictionary(fc.constantFrom(...ids), text);
}

/** The JSON text, without its comments, with the place or the places of a pointer of `require` set to this value. */
export function withValue(text: string, pointer: string, value: string): string {
  const set = (before: unknown, [key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return value;
    const fields: object = typeof before === 'object' && before !== null ? before : {};
    const keys = key === '*' ? Object.keys(fields) : [key];
    const found = new Map<string, unknown>(Object.entries(fields));
    return { ...fields, ...Object.fromEntries(keys.map((each) => [each, set(found.get(each), rest)])) };
  };
  return JSON.stringify(set(tryParseJsonc(text), keysOfPointer(pointer)));
}

/** A name that says that its value is secret: `access_token`, `apiKey`, and `access` and `refresh` alone. */
const SECRET_NAME = String.raw`[\w-]*(?:token|key|secret|password)[\w-]*|access|refresh`;

/** Whether the last part of a JSON pointer is such a name. */
export function namesSecret(pointer: string): boolean {
  return new RegExp(`/(?:${SECRET_NAME})$`, 'i').test(pointer);
}

/** Strings in the files whose name says that they are secret, in whatever format; and tokens of the known vendors. No numbers. */
export function secretsIn(files: CredentialFiles): readonly string[] {
  const isSecret = new RegExp(`^(?:${SECRET_NAME})$`, 'i');
  return Object.values(files).flatMap((text) => [
    ...namedValuesIn(text)
      .filter(({ name, value }) => isSecret.test(name) && value.length >= 8 && /[^0-9]/.test(value))
      .map(({ value }) => value),
    // A variable's value is a token and nothing else, which its CLI prints for the user to keep.
    ...tokensIn(text).filter((token) => token !== text.trim()),
  ]);
}
