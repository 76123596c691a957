import { readFileSync } from 'node:fs';

import { decodeCredentialText } from '@sallyport/core/driver';
import { placeCredential } from '@sallyport/core/engine';
import type { CredentialFiles, CredentialItem } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import * as fc from 'fast-check';

import { examine } from '../../packages/core/src/credentials/examine.ts';
import { secretValues } from '../../packages/core/src/redaction/secret-values.ts';
import { canary, hostilePlaces, hostileString, jsonTextOf } from './hostile.ts';

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
export const items: readonly CredentialItem[] = [
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
/** What a machine hands over, beside what its home had before. */
export const offers = fc.constantFrom(...providers).chain((provider) =>
  fc.record({
    provider: fc.constant(provider),
    disk: fc.record(Object.fromEntries(provider.manifest.credentials.map(({ id }) => [id, bytes])), {
      requiredKeys: [],
    }),
    other: fc.dictionary(hostileString, hostileString, { maxKeys: 2 }),
    before: text,
  }),
);
export type Offer = typeof offers extends fc.Arbitrary<infer Value> ? Value : never;

/** Does with what a machine hands over what a server does before it stores it, and when it gives it to the next machine. */
export function readOffer({ provider, disk, other, before }: Offer) {
  const { credentials } = provider.manifest;
  const found = Object.entries(disk).flatMap(([id, content]) => {
    const decoded = content && decodeCredentialText(content);
    return decoded === undefined ? [] : [[id, decoded] as const];
  });
  const offered: CredentialFiles = { ...other, ...Object.fromEntries(found) };
  const examined = examine(provider, offered);
  const secrets = [...secretValues(credentials, examined.files)];
  const existing = credentials.flatMap((item) =>
    item.as === 'file' ? [{ path: item.paths.cli, content: before, mode: 0o600 }] : [],
  );
  return { examined, secrets, placed: placeCredential(credentials, examined.files, 'cli', existing) };
}
