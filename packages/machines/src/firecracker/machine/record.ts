import type { MachinePlan } from '@sallyport/core/driver';

import type { HostProcess } from '../../host/process.ts';
import { readRecordFile, writeRecordFile } from '../../host/record-file.ts';

/** `machine.json`: what a later server must know to end, remove, wake or start a machine. No secrets. */
export interface FirecrackerRecord {
  readonly plan: MachinePlan;
  /** User and group that this machine has for itself, for as long as it exists. */
  readonly uid: number;
  /** Name of the golden image below its disk: it is never put on another one. */
  readonly image: string;
  /** SHA-256 of the agent drive it booted with, taken when the drive was made. A machine that sleeps has it mounted. */
  readonly agentDrive?: string;
  /** Its jail, noted before it is made; the process, as soon as it is known. */
  readonly running?: { readonly jail: string; readonly process?: HostProcess };
  /** It was saved as this generation, and the agent in it is of this program. */
  readonly asleep?: { readonly generation: number; readonly agent: string };
}

export function readRecord(path: string): Promise<FirecrackerRecord | undefined> {
  return readRecordFile(path, isRecord);
}

export function writeRecord(path: string, record: FirecrackerRecord): Promise<void> {
  return writeRecordFile(path, record);
}

/** The directory above is ours alone, so the file is as we wrote it; this tells an older shape apart. */
function isRecord(value: unknown): value is FirecrackerRecord {
  return typeof value === 'object' && value !== null && 'plan' in value && 'uid' in value && 'image' in value;
}
