import type { MachinePlan } from '@sallyport/core/driver';

import type { HostProcess } from '../host/process.ts';
import { readRecordFile, writeRecordFile } from '../host/record-file.ts';

/** `machine.json`: what a restarted server needs to end, remove, start or wake a machine. No secrets. */
export interface QemuRecord {
  readonly plan: MachinePlan;
  /** The user it runs as; absent if it runs as the server's user. */
  readonly uid?: number;
  /** Name of the disk's base image. It never changes: only new machines use a newer image. */
  readonly image: string;
  /** SHA-256 of the agent drive it booted with, which it keeps until it stops. */
  readonly agentDrive?: string;
  /** QEMU, as it runs now or ran when the server died. */
  readonly running?: HostProcess;
}

export function readQemuRecord(path: string): Promise<QemuRecord | undefined> {
  return readRecordFile(path, isRecord);
}

export function writeQemuRecord(path: string, record: QemuRecord): Promise<void> {
  return writeRecordFile(path, record);
}

/** Rejects records of other versions. Only the server can write to the directory, so no other checks are needed. */
function isRecord(value: unknown): value is QemuRecord {
  return typeof value === 'object' && value !== null && 'plan' in value && 'image' in value;
}
