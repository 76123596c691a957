import { cpus, release } from 'node:os';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';

import type { FileDigest } from '../../host/hashing/digest-file.ts';
import { seal, unseal } from '../../host/seal.ts';
import type { Accelerator } from '../hardware.ts';

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
  readonly state: FileDigest;
}

const PURPOSE = 'sallyport qemu snapshot';

/** Returns the manifest as it is written: with a code that only the key's holder can make. */
export function sealManifest(manifest: SnapshotManifest, key: Secret): string {
  return seal(manifest, PURPOSE, key);
}

/** Returns `undefined` if the key's holder did not write it, as for those of versions that sealed none. */
export function openManifest(sealed: string, key: Secret): SnapshotManifest | undefined {
  const manifest: Partial<SnapshotManifest> = Object(unseal(sealed, PURPOSE, key));
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
