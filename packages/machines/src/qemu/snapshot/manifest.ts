import { cpus, release } from 'node:os';
import { stat } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';

import type { Accelerator } from '../hardware.ts';
import type { StateDigest } from './state-stream.ts';

/** What must be the same when a snapshot is woken as when it was taken. */
export interface SnapshotFacts {
  readonly machineId: string;
  readonly qemu: string;
  /** Of the command line, without its surroundings. */
  readonly hardware: string;
  /** The host's processor and kernel, where the guest sees them. */
  readonly host: string;
  /** SHA-256 of the kernel's and of the base image's files. */
  readonly kernel: string;
  readonly image: string;
  /** SHA-256 of the drive with its agent, which the guest has mounted. */
  readonly agentDrive: string;
  /** Of the plan: the agent and the CLIs as well. */
  readonly plan: string;
  /** What the guest remembers of its disk must be what is on it. */
  readonly disk: string;
}

/** Lies beside the state of a machine that hibernates. */
export interface SnapshotManifest {
  readonly spec: 1;
  readonly facts: SnapshotFacts;
  readonly state: StateDigest;
}

export function parseManifest(text: string): SnapshotManifest | undefined {
  let manifest: Partial<SnapshotManifest>;
  try {
    manifest = Object(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { spec, facts, state } = manifest;
  return spec === 1 && facts && typeof state?.sha256 === 'string' ? { spec, facts, state } : undefined;
}

/** Throws where a snapshot was taken of another machine, or somewhere else. */
export function requireSameFacts(taken: SnapshotFacts, now: SnapshotFacts): void {
  const different = factNames.find((name) => taken[name] !== now[name]);
  if (different === undefined) return;
  throw new SallyportError(
    'MACHINE_FAILED',
    `Machine ${now.machineId} cannot be woken: its ${different} was ${taken[different]}, and is ${now[different]} now.`,
    { hint: 'Start it from its disk.' },
  );
}

const factNames = ['machineId', 'qemu', 'hardware', 'host', 'kernel', 'image', 'agentDrive', 'plan', 'disk'] as const;

/** An emulated processor is the same everywhere. */
export function hostFacts(accelerator: Accelerator): string {
  return accelerator === 'tcg' ? 'emulated' : `${cpus()[0]?.model ?? 'unknown'}, Linux ${release()}`;
}

/** Changes with every write to the file, and takes no time to find out. */
export async function fileFacts(path: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return `${size} bytes, inode ${ino}, written at ${mtimeNs}`;
}
