import type { MachinePlan } from '@sallyport/core/driver';

import { readRecordFile, writeRecordFile } from '../host/record-file.ts';
import type { HostProcess } from '../host/process.ts';
import type { MachineLayout } from './layout.ts';

/** `machine.json`: what a restarted server needs to end, remove or start a machine. No secrets. */
export interface MachineRecord {
  readonly plan: MachinePlan;
  /** The unprivileged user this machine runs as; absent if it runs as the server's user. */
  readonly uid?: number;
  /** What runs now, or ran when the server died: the group leader and the sandbox's first process. */
  readonly running?: { readonly leader: HostProcess; readonly init?: HostProcess; readonly shortcut?: string };
}

export function readRecord(layout: MachineLayout): Promise<MachineRecord | undefined> {
  return readRecordFile(layout.record, isRecord);
}

export function writeRecord(layout: MachineLayout, record: MachineRecord): Promise<void> {
  return writeRecordFile(layout.record, record);
}

/** Tells a complete record from a truncated one. Only the server can write to the directory, so no other checks are needed. */
function isRecord(value: unknown): value is MachineRecord {
  return typeof value === 'object' && value !== null && 'plan' in value && typeof value.plan === 'object';
}
