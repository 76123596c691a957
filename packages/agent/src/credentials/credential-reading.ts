import { isOptional, missingParts } from '@sallyport/core/engine';
import type { Clock } from '@sallyport/core';
import type { CredentialFiles, CredentialItem } from '@sallyport/core/provider';

import { readHomeFile } from './credential-file.ts';

/** Where a credential's files are looked for. */
export interface CredentialPlace {
  readonly home: string;
  /** Which of each item's paths counts here. */
  readonly role: 'browser' | 'cli';
  readonly items: readonly CredentialItem[];
  /** Values of `environment` items found so far: item id → value. */
  readonly values?: CredentialFiles;
}

/**
 * `complete`: everything the manifest requires is there and not blank. `inodes` are those of the files, which tell one that
 * was renamed into place from one that is being written over.
 */
export type CredentialReading =
  | { readonly type: 'absent' }
  | { readonly type: 'incomplete'; readonly problem: string }
  | { readonly type: 'complete'; readonly files: CredentialFiles; readonly inodes: Readonly<Record<string, number>> };

/** Reads a credential once. Without any secret it is absent, whatever settings files lie around. */
export async function readCredential(place: CredentialPlace): Promise<CredentialReading> {
  const files: Record<string, string> = { ...place.values };
  const inodes: Record<string, number> = {};
  for (const item of place.items) {
    if (item.as !== 'file') continue;
    const reading = await readHomeFile(place.home, item.paths[place.role]);
    if (reading.type === 'refused') return { type: 'incomplete', problem: reading.problem };
    if (reading.type === 'text') {
      files[item.id] = reading.text;
      inodes[item.id] = reading.inode;
    }
  }
  const secrets = place.items.filter((item) => item.as !== 'file' || item.role === 'secret');
  if (!secrets.some((item) => Object.hasOwn(files, item.id))) return { type: 'absent' };
  const missing = missingParts(place.items, files).map(({ item, problem }) => `${item}: ${problem}`);
  return missing.length === 0
    ? { type: 'complete', files, inodes }
    : { type: 'incomplete', problem: `The credential is not complete (${missing.join(', ')}).` };
}

/**
 * Reads until two readings, a moment apart, are the same: a file that is being written is never taken. `first` is a reading
 * that the caller has just made.
 */
export async function readSettledCredential(
  place: CredentialPlace,
  clock: Clock,
  signal: AbortSignal,
  first?: CredentialReading,
): Promise<CredentialReading> {
  let before = first ?? (await readCredential(place));
  for (let attempt = 0; attempt < MOST_READINGS && before.type === 'complete'; attempt++) {
    await clock.sleep(settleMs(place.items), signal);
    const after = await readCredential(place);
    if (sameReading(before, after)) return after;
    before = after;
  }
  return before.type === 'complete' ? { type: 'incomplete', problem: 'The credential keeps changing.' } : before;
}

/**
 * Reads the secret alone where it is complete and only settings are not, such as those that a CLI let grow beyond what a
 * credential may have. Otherwise resolves to the reading of all. For a caller that has waited for the settings.
 */
export async function readSecretOf(
  place: CredentialPlace,
  all: CredentialReading,
  clock: Clock,
  signal: AbortSignal,
): Promise<CredentialReading> {
  const items = place.items.filter((item) => !isOptional(item));
  if (all.type !== 'incomplete' || items.length === place.items.length) return all;
  const secret = await readSettledCredential({ ...place, items }, clock, signal);
  return secret.type === 'complete' ? secret : all;
}

/**
 * Whether each file that differs is a new one of JSON: the CLI renamed it into place, or wrote it from its beginning. Such a
 * file is whole as soon as its JSON ends.
 */
export function isReplaced({ items }: CredentialPlace, next: CredentialReading, before: CredentialReading): boolean {
  if (next.type !== 'complete' || before.type !== 'complete') return false;
  return items.every(
    (item) =>
      next.files[item.id] === before.files[item.id] ||
      (item.as === 'file' && item.format !== 'text' && next.inodes[item.id] !== before.inodes[item.id]),
  );
}

export function sameReading(one: CredentialReading, other: CredentialReading): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const MOST_READINGS = 20;

/**
 * JSON ends with its closing bracket, so a complete document with every required value is hardly a half-written
 * one; the second look is for a program that overwrites in place. Text has no such end and gets more time.
 */
function settleMs(items: readonly CredentialItem[]): number {
  return items.every((item) => item.as !== 'file' || item.format !== 'text') ? 30 : 100;
}
