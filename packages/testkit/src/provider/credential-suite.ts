import { missingParts } from '@sallyport/core';
import type { CredentialFiles, Provider } from '@sallyport/core';

import type { TestRunner } from '../runner.ts';

/** A credential as the CLI writes it, with values that are nobody's. */
export interface CredentialCase {
  readonly name: string;
  readonly files: CredentialFiles;
  /** What the provider's `inspect` says about it, at least. */
  readonly facts?: object;
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
    for (const { name, files, facts } of cases) {
      it(`${name} is accepted whole`, () => {
        expect(accepted(files)).toBe(true);
        if (facts) expect(provider.inspect?.(files)).toMatchObject(facts);
      });

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
          const wrong = item.require.filter((pointer) => accepted({ ...files, [id]: emptied(text, pointer) }));
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

/** The JSON text with one place set to the empty string. */
function emptied(text: string, pointer: string): string {
  const keys = pointer.split('/').slice(1);
  const set = (value: unknown, [key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return '';
    const fields: object = typeof value === 'object' && value !== null ? value : {};
    return { ...fields, [key]: set(new Map<string, unknown>(Object.entries(fields)).get(key), rest) };
  };
  return JSON.stringify(set(JSON.parse(text), keys));
}

/** Strings in the files whose name says that they are secret. */
function secretsIn(files: CredentialFiles): readonly string[] {
  return Object.values(files).flatMap((text) =>
    [...text.matchAll(/"[A-Za-z_]*(?:token|key)[A-Za-z_]*"\s*:\s*"([^"]{8,})"/gi)].map((found) => found[1] ?? ''),
  );
}
