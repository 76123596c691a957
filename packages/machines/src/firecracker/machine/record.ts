import { readFile, rename, writeFile } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core';

import type { HostProcess } from '../../process/host-process.ts';
import { hasCode } from '../../process/safe-folder.ts';

/** `machine.json`: what a later server must know to end, remove, wake or start a machine. No secrets. */
export interface FirecrackerRecord {
  readonly plan: MachinePlan;
  /** User and group that this machine has for itself, for as long as it exists. */
  readonly uid: number;
  /** Name of the golden image below its disk: it is never put on another one. */
  readonly image: string;
  /** Its jail, noted before it is made; the process, as soon as it is known. */
  readonly running?: { readonly jail: string; readonly process?: HostProcess };
  /** It was saved as this generation, and the agent in it is of this program. */
  readonly asleep?: { readonly generation: number; readonly agent: string };
}

/** `undefined` where there is none: the server died while making the machine. */
export async function readRecord(path: string): Promise<FirecrackerRecord | undefined> {
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

export async function writeRecord(path: string, record: FirecrackerRecord): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, JSON.stringify(record, null, 2), { mode: 0o600 });
  await rename(temporary, path);
}

/** The folder above is ours alone, so the file is as we wrote it; this tells an older shape apart. */
function isRecord(value: unknown): value is FirecrackerRecord {
  return typeof value === 'object' && value !== null && 'plan' in value && 'uid' in value && 'image' in value;
}
