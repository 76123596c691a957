import { open, readFile, rename } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';

import { hasCode } from './safe-directory.ts';

/**
 * Reads a machine's record after a restart. Returns `undefined` if it is missing because the server died while creating
 * or removing the machine. Throws `MACHINE_FAILED` if it is not JSON or `isRecord` rejects its shape.
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
  const record = parse(text);
  if (isRecord(record)) return record;
  throw new SallyportError('MACHINE_FAILED', `The record ${path} is damaged.`, {
    hint: 'Remove the machine directory that contains it, then log in again.',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Replaces the record atomically: a reader sees either the old or the new one, even after a power failure, which
 * otherwise can leave an empty file (`auto_da_alloc` in ext4(5)).
 */
export async function writeRecordFile(path: string, record: object): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(record, null, 2));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
