import { readFile, rename, writeFile } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';

import { hasCode } from './safe-directory.ts';

/**
 * Reads a machine's record after a restart. Returns `undefined` if it is missing because the server died while creating
 * or removing the machine. Throws `MACHINE_FAILED` if `isRecord` rejects its shape.
 */
export async function readRecordFile<Value>(
  path: string,
  isRecord: (value: unknown) => value is Value,
): Promise<Value | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const record: unknown = JSON.parse(text);
  if (isRecord(record)) return record;
  throw new SallyportError('MACHINE_FAILED', `The record ${path} is damaged.`, {
    hint: 'Remove the machine directory that contains it, then log in again.',
  });
}

/** Replaces the record atomically: a reader sees either the old or the new one. */
export async function writeRecordFile(path: string, record: object): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, JSON.stringify(record, null, 2), { mode: 0o600 });
  await rename(temporary, path);
}
