import { open, readFile, rename } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import type { Check } from '@sallyport/core/driver';

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

export interface FoundRecords<Value> {
  readonly intact: readonly Value[];
  /** What the doctor says of the machines whose record is damaged. They are neither listed nor removed. */
  readonly damaged: readonly Check[];
}

/** Reads the records of these machines, and skips missing ones: one machine's trouble is not that of the others. */
export async function readRecords<Value>(
  machineIds: readonly string[],
  read: (machineId: string) => Promise<Value | undefined>,
): Promise<FoundRecords<Value>> {
  const intact: Value[] = [];
  const damaged: Check[] = [];
  const outcomes = await Promise.allSettled(machineIds.map(read));
  for (const [place, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') {
      if (outcome.value !== undefined) intact.push(outcome.value);
      continue;
    }
    const error: unknown = outcome.reason;
    if (!SallyportError.isInstance(error) || error.code !== 'MACHINE_FAILED') throw error;
    const name = `machine ${machineIds[place]}`;
    damaged.push({ name, state: 'degraded', found: error.message, fix: error.hint ?? '' });
  }
  return { intact, damaged };
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
