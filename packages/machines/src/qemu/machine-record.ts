import { readFile, rename, writeFile } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core';

import type { HostProcess } from '../process/host-process.ts';
import { hasCode } from '../process/safe-folder.ts';

/** `machine.json`: what a later server must know to end, remove, start or wake a machine. No secrets. */
export interface QemuRecord {
  readonly plan: MachinePlan;
  /** The user it runs as; absent where that is the server's own. */
  readonly uid?: number;
  /** Name of the image its disk lies over. It never changes: a newer image is for newer machines. */
  readonly image: string;
  /** QEMU, as it runs now or ran when the server died. */
  readonly running?: HostProcess;
}

/** `undefined` where there is none: the server died while making the machine, or removing it. */
export async function readQemuRecord(path: string): Promise<QemuRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const record: unknown = JSON.parse(text);
  if (isRecord(record)) return record;
  throw new SallyportError('MACHINE_FAILED', `The record ${path} is damaged.`, {
    hint: 'Remove the machine folder it lies in, then log in again.',
  });
}

export async function writeQemuRecord(path: string, record: QemuRecord): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, JSON.stringify(record, null, 2), { mode: 0o600 });
  await rename(temporary, path);
}

/** The folder is the server's alone, so the file is as it was written; this tells another version's apart. */
function isRecord(value: unknown): value is QemuRecord {
  return typeof value === 'object' && value !== null && 'plan' in value && 'image' in value;
}
