import type { MachinePlan } from '@sallyport/core';

import type { HostProcess } from '../host/process.ts';
import { readRecordFile, writeRecordFile } from '../host/record-file.ts';

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

export function readQemuRecord(path: string): Promise<QemuRecord | undefined> {
  return readRecordFile(path, isRecord);
}

export function writeQemuRecord(path: string, record: QemuRecord): Promise<void> {
  return writeRecordFile(path, record);
}

/** The directory is the server's alone, so the file is as it was written; this tells another version's apart. */
function isRecord(value: unknown): value is QemuRecord {
  return typeof value === 'object' && value !== null && 'plan' in value && 'image' in value;
}
