import { readFile, rename, writeFile } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';

import { hasCode } from './safe-directory.ts';

/**
 * The record of a machine, as a driver finds it after a restart. `undefined` if there is none: the server died while making
 * or removing the machine. Throws `MACHINE_FAILED` if `isRecord` does not know its shape.
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
    hint: 'Remove the machine directory it lies in, then log in again.',
  });
}

/** Replaces the record as a whole: a reader sees the old one or the new one. */
export async function writeRecordFile(path: string, record: object): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, JSON.stringify(record, null, 2), { mode: 0o600 });
  await rename(temporary, path);
}
