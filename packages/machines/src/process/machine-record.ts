import { readFile, rename, writeFile } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core';

import type { HostProcess } from './host-process.ts';
import type { MachineLayout } from './layout.ts';

/** `machine.json`: what a later server must know to end, remove or start a machine. No secrets. */
export interface MachineRecord {
  readonly plan: MachinePlan;
  /** The unprivileged user this machine runs as; absent where it runs as the server's own user. */
  readonly uid?: number;
  /** What runs now, or ran when the server died: the group's leader, and the sandbox's first process. */
  readonly running?: { readonly leader: HostProcess; readonly init?: HostProcess; readonly shortcut?: string };
}

/** `undefined` where there is none, or only half of one: the server died while making the machine. */
export async function readRecord(layout: MachineLayout): Promise<MachineRecord | undefined> {
  const text = await readFile(layout.record, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      return undefined;
    }
    throw error;
  });
  if (text === undefined) {
    return undefined;
  }
  const record: unknown = JSON.parse(text);
  if (!isRecord(record)) {
    throw new SallyportError('MACHINE_FAILED', `The record ${layout.record} is damaged.`, {
      hint: 'Remove the machine folder it lies in, then log in again.',
    });
  }
  return record;
}

export async function writeRecord(layout: MachineLayout, record: MachineRecord): Promise<void> {
  const temporary = `${layout.record}.tmp`;
  await writeFile(temporary, JSON.stringify(record, null, 2), { mode: 0o600 });
  await rename(temporary, layout.record);
}

/** The folder above is ours alone, so the file is as we wrote it or cut off; this tells the two apart. */
function isRecord(value: unknown): value is MachineRecord {
  return typeof value === 'object' && value !== null && 'plan' in value && typeof value.plan === 'object';
}
