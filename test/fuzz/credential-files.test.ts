import { SallyportError } from '@sallyport/core';
import { canonicalJson, decodeBundle, encodeBundle, settingsFor } from '@sallyport/core/engine';
import type { CredentialFiles } from '@sallyport/core/provider';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { examine } from '../../packages/core/src/credentials/examine.ts';
import { checkEnteredValue } from '../../packages/core/src/provider/manual-entry.ts';
import { items, offers, readOffer } from './hostile-credentials.ts';
import { canary, hostilePlaces, hostileString, jsonTextOf, slowHostileRuns } from './hostile.ts';

/** Of a credential, what is shown, logged and stored in the clear. */
const LONGEST_FACTS = 2000;

describe('the files of a credential, as a machine hands them over', () => {
  it('are told whole from broken without a word of them, and are stored as they are or not at all', async () => {
    await checkProperty(
      fc.property(offers, (offer) => {
        const { provider, before } = offer;
        const { credentials } = provider.manifest;
        const { examined, placed, secrets } = readOffer(offer);
        const known = credentials.map(({ id }) => id);
        expect(Object.keys(examined.files).filter((id) => !known.includes(id))).toEqual([]);
        expect(JSON.stringify(examined.missing)).not.toContain(canary);
        const { account, ...facts } = examined.facts;
        expect(JSON.stringify(facts)).not.toContain(canary);
        expect(JSON.stringify(examined.facts).length).toBeLessThanOrEqual(LONGEST_FACTS);
        expect(account?.length ?? 0).toBeLessThanOrEqual(320);
        sealed(examined);

        const size = sizeOf(examined.files);
        expect(sizeOf(secrets)).toBeLessThanOrEqual(20 * size + 1000);
        for (const { content } of placed) {
          // Indentation of at most 500 levels, on each line.
          expect(content.length).toBeLessThanOrEqual(2000 * (size + before.length) + 1000);
        }
      }),
      slowHostileRuns,
    );
  });
});

function sealed({ files: stored, facts }: ReturnType<typeof examine>): void {
  let bundle: Uint8Array;
  try {
    bundle = encodeBundle({ files: stored, facts });
  } catch (error) {
    if (!SallyportError.isInstance(error)) throw error;
    expect(error.code).toBe('CREDENTIAL_TOO_LARGE');
    expect(error.message).not.toContain(canary);
    return;
  }
  expect(canonicalJson(decodeBundle(bundle))).toBe(canonicalJson({ files: stored, facts }));
}

const keys = fc.oneof(
  hostileString,
  fc
    .array(fc.constantFrom('$&', "$'", '$`', '$1', '$$', '"', '\\', '{{value}}', 'sk-'), { maxLength: 6 })
    .map((words) => words.join('')),
);

describe('a value that a user hands over', () => {
  it('stands in a settings file as it was given, and adds nothing to the file', async () => {
    await checkProperty(
      fc.property(keys, (key) => {
        let checked: CredentialFiles;
        try {
          checked = checkEnteredValue(items, { api_key: key });
        } catch (error) {
          if (!SallyportError.isInstance(error)) throw error;
          expect(error.code).toBe('CREDENTIAL_MALFORMED');
          expect(error.message).not.toContain(canary);
          return;
        }
        const [inToml, inJson] = settingsFor([], items, checked);
        expect(JSON.parse(inJson?.content ?? '')).toEqual({ key: checked['api_key'], end: 1 });
        // A basic string of TOML 1.0: one line, each quote escaped, and no escape of half a character.
        expect(inToml?.content).toMatch(
          /^key = "(?:[^"\\\p{Cc}]|\\(?:[btnfr"\\]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))*"\n$/u,
        );
      }),
      slowHostileRuns,
    );
  });
});

describe('a stored credential', () => {
  it('is a bundle, or cannot be opened', async () => {
    const bundle = fc.record({ v: fc.constantFrom(1, 2), files: fc.dictionary(hostileString, hostileString) });
    await checkProperty(
      fc.property(fc.oneof(jsonTextOf(bundle), jsonTextOf(hostilePlaces(bundle))), (plain) => {
        try {
          const decoded = decodeBundle(Buffer.from(plain));
          expect(Object.values(decoded.files).every((each) => typeof each === 'string')).toBe(true);
        } catch (error) {
          if (!SallyportError.isInstance(error)) throw error;
          expect(error).toMatchObject({ code: 'CREDENTIAL_UNREADABLE', message: expect.not.stringContaining(canary) });
        }
      }),
      { runs: 252 },
    );
  });
});

function sizeOf(value: unknown): number {
  return JSON.stringify(value).length;
}
