import { readFileSync } from 'node:fs';

import {
  canonicalJson,
  decodeBundle,
  decodeCredentialText,
  encodeBundle,
  placeCredential,
  SallyportError,
  settingsFor,
} from '@sallyport/core';
import type { CredentialFiles, CredentialItem } from '@sallyport/core';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { examine } from '../../packages/core/src/credentials/examine.ts';
import { checkEnteredValue } from '../../packages/core/src/provider/manual-entry.ts';
import { secretValues } from '../../packages/core/src/redaction/secret-values.ts';
import { canary, hostilePlaces, hostileString, jsonTextOf, slowHostileRuns } from './hostile.ts';

const fixtures = new URL('../../packages/', import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, fixtures), 'utf8'));
const files = [
  read('provider-claude/src/__fixtures__/credentials/claude-2.1.330.credentials.json'),
  read('provider-claude/src/__fixtures__/credentials/claude-2.1.330.dot-claude.json'),
  read('provider-codex/src/__fixtures__/credentials/codex-0.169.0.auth.json'),
  read('provider-gemini/src/__fixtures__/credentials/gemini-0.61.0.oauth_creds.json'),
  read('provider-gemini/src/__fixtures__/credentials/gemini-0.61.0.settings.json'),
];

/** A CLI whose login has its own text format, and whose key goes into a file of another. */
const items: readonly CredentialItem[] = [
  {
    as: 'file',
    id: 'auth',
    role: 'secret',
    format: 'text',
    mode: 0o600,
    rotates: true,
    require: [],
    write: 'replace',
    paths: { browser: '~/.acme/auth.toml', cli: '~/.acme/auth.toml' },
  },
  {
    as: 'environment',
    id: 'api_key',
    name: 'ACME_KEY',
    from: 'user',
    settings: [
      { path: '~/.acme/key.toml', content: 'key = "{{value}}"\n' },
      { path: '~/.acme/key.json', content: '{"key":"{{value}}","end":1}' },
    ],
  },
];
const acme = { manifest: { title: 'Acme', credentials: [...items] } };
const providers = [claude, codex, gemini, acme];

const toml = fc
  .array(
    fc.oneof(
      fc.constantFrom('[login]', 'token = "', '"""', "'''", `token = "${canary}"`, '= ', '[[', '\\u0000', '#', '\r\n'),
      hostileString,
    ),
    { maxLength: 8 },
  )
  .map((lines) => lines.join('\n'));
const text = fc.oneof(
  { weight: 6, arbitrary: jsonTextOf(fc.oneof(fc.constantFrom(...files), hostilePlaces(fc.constantFrom(...files)))) },
  { weight: 2, arbitrary: toml },
  { weight: 1, arbitrary: hostileString },
);
/** As bytes of a disk: not all of them are UTF-8, and an editor may have put a mark in front. */
const bytes = fc
  .tuple(text, fc.constantFrom('', '', '\u{feff}'), fc.option(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { freq: 6 }))
  .map(([content, mark, change]) => {
    const all = Buffer.from(mark + content);
    if (change && all.length > 0) all[change[0] % all.length] = change[1];
    return all;
  });
const offer = fc.constantFrom(...providers).chain((provider) =>
  fc.record({
    provider: fc.constant(provider),
    disk: fc.record(Object.fromEntries(provider.manifest.credentials.map(({ id }) => [id, bytes])), {
      requiredKeys: [],
    }),
    other: fc.dictionary(hostileString, hostileString, { maxKeys: 2 }),
    before: text,
  }),
);

/** Of a credential, what is shown, logged and stored in the clear. */
const LONGEST_FACTS = 2000;

describe('the files of a credential, as a machine hands them over', () => {
  it('are told whole from broken without a word of them, and are stored as they are or not at all', async () => {
    await checkProperty(
      fc.property(offer, ({ provider, disk, other, before }) => {
        const { credentials } = provider.manifest;
        const found = Object.entries(disk).flatMap(([id, content]) => {
          const decoded = content && decodeCredentialText(content);
          return decoded === undefined ? [] : [[id, decoded] as const];
        });
        const offered: CredentialFiles = { ...other, ...Object.fromEntries(found) };
        const examined = examine(provider, offered);
        const known = credentials.map(({ id }) => id);
        expect(Object.keys(examined.files).filter((id) => !known.includes(id))).toEqual([]);
        expect(JSON.stringify(examined.missing)).not.toContain(canary);
        const { account, ...facts } = examined.facts;
        expect(JSON.stringify(facts)).not.toContain(canary);
        expect(JSON.stringify(examined.facts).length).toBeLessThanOrEqual(LONGEST_FACTS);
        expect(account?.length ?? 0).toBeLessThanOrEqual(320);
        sealed(examined);

        const size = sizeOf(examined.files);
        expect(sizeOf([...secretValues(credentials, examined.files)])).toBeLessThanOrEqual(20 * size + 1000);
        const existing = credentials.flatMap((item) =>
          item.as === 'file' ? [{ path: item.paths.cli, content: before, mode: 0o600 }] : [],
        );
        const placed = placeCredential(credentials, examined.files, 'cli', existing);
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
