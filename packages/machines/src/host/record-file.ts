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

/** Whether a record was found and is damaged. */
function isDamagedRecord(error: unknown): error is SallyportError {
  return SallyportError.isInstance(error) && error.code === 'MACHINE_FAILED';
}

/** The records of these machines, without those that are missing or damaged: one machine's trouble is not that of the others. */
export async function readIntactRecords<Value>(
  machineIds: readonly string[],
  read: (machineId: string) => Promise<Value | undefined>,
): Promise<readonly Value[]> {
  const found = await Promise.all(
    machineIds.map(async (machineId) => {
      try {
        return await read(machineId);
      } catch (error) {
        if (isDamagedRecord(error)) return undefined;
        throw error;
      }
    }),
  );
  return found.filter((record) => record !== undefined);
}

/** Reports damaged records: their machines are neither listed nor removed. */
export async function checkRecords(
  machineIds: readonly string[],
  read: (machineId: string) => Promise<unknown>,
): Promise<readonly Check[]> {
  const damaged: Check[] = [];
  for (const machineId of machineIds) {
    try {
      await read(machineId);
    } catch (error) {
      if (!isDamagedRecord(error)) throw error;
      damaged.push({ name: `machine ${machineId}`, state: 'degraded', found: error.message, fix: error.hint ?? '' });
    }
  }
  return damaged;
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
