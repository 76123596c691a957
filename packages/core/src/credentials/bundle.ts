import { createHash } from 'node:crypto';

import { canonicalJson } from '../base/canonical-json.ts';
import { SallyportError } from '../base/errors.ts';
import { MAX_CREDENTIAL_BYTES } from '../protocol/agent-api.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import type { CredentialFacts, CredentialFiles } from '../contracts/credential-files.ts';

/**
 * The bytes a credential is sealed as: canonical JSON `{"facts":{…},"files":{id: text},"v":1}`, followed by spaces up to
 * a multiple of 1 KiB. JSON ignores the spaces, and the length of the ciphertext tells nothing about the kind of login.
 */
export interface Bundle {
  readonly files: CredentialFiles;
  /** As they were stored beside it. Absent in versions from before facts were sealed. */
  readonly facts?: CredentialFacts;
}

/** Sealed bundles are a multiple of this many bytes. */
export const BUNDLE_BLOCK_BYTES = 1024;

/** Throws `CREDENTIAL_TOO_LARGE` where a file is over 256 KiB. */
export function encodeBundle({ files, facts }: Bundle): Uint8Array {
  const tooLarge = oversizedFile(files);
  if (tooLarge !== undefined) {
    throw new SallyportError('CREDENTIAL_TOO_LARGE', `The credential file "${tooLarge}" is larger than 256 KiB.`);
  }
  const text = Buffer.from(canonicalJson({ v: 1, files, facts }), 'utf8');
  const padded = Buffer.alloc(Math.ceil(text.length / BUNDLE_BLOCK_BYTES) * BUNDLE_BLOCK_BYTES, ' ');
  padded.set(text);
  return padded;
}

/** Throws `CREDENTIAL_UNREADABLE` for anything but a bundle. */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const bundle = tryDecode(bytes);
  if (!bundle) throw new SallyportError('CREDENTIAL_UNREADABLE', 'The stored credential cannot be opened.');
  return bundle;
}

/** SHA-256 of the bundle without facts and padding, in hex. Two equal credentials have the same one. */
export function bundleSha256(files: CredentialFiles): string {
  return createHash('sha256')
    .update(canonicalJson({ v: 1, files }), 'utf8')
    .digest('hex');
}

/**
 * Tells two versions apart by what is secret in them. Settings beside it do not count: a CLI such as Claude keeps
 * counters in them, and each of their changes would pass for another version of the login.
 */
export function secretSha256(items: readonly CredentialItem[], files: CredentialFiles): string {
  const secret = items.filter((item) => item.as === 'environment' || item.role === 'secret').map(({ id }) => id);
  return bundleSha256(Object.fromEntries(Object.entries(files).filter(([id]) => secret.includes(id))));
}

/** Id of the first file that is too large to be stored. */
export function oversizedFile(files: CredentialFiles): string | undefined {
  return Object.keys(files).find((id) => Buffer.byteLength(files[id] ?? '', 'utf8') > MAX_CREDENTIAL_BYTES);
}

function tryDecode(bytes: Uint8Array): Bundle | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value['v'] !== 1 || !isRecord(value['files'])) return undefined;
  const files = Object.entries(value['files']);
  if (!files.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return undefined;
  const facts = value['facts'];
  if (facts === undefined) return { files: Object.fromEntries(files) };
  return isFacts(facts) ? { files: Object.fromEntries(files), facts } : undefined;
}

/** We sealed them, so no more than their kind is looked at. */
function isFacts(value: unknown): value is CredentialFacts {
  return isRecord(value) && (value['kind'] === 'plan' || value['kind'] === 'api-key');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
