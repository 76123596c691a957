import type { Secret } from '@sallyport/core';

import { fileFacts } from '../../host/file-facts.ts';
import { digestFile } from '../../host/hashing/digest-file.ts';
import { seal, unseal } from '../../host/seal.ts';

/** What must be the same when a snapshot is loaded as when it was made. */
export interface SnapshotHost {
  /** Of the Firecracker binary, and of the format of its snapshots. */
  readonly firecracker: string;
  readonly snapshotFormat: string;
  readonly kernel: string;
  readonly cpu: string;
}

/** The files that belong together: what the guest remembers of its disk must be what is on it. */
export interface SnapshotFiles {
  readonly state: string;
  readonly memory: string;
  /** The machine's own disk. */
  readonly disk: string;
}

/** What they are known by. */
export interface SnapshotDigests {
  /** SHA-256, hexadecimal. */
  readonly state: string;
  readonly memory: string;
  /** Size, inode and time of the last write: its bytes take too long to read. */
  readonly disk: string;
}

/** SHA-256 of the images that a machine reads and shares with others. */
export interface ImageHashes {
  readonly kernel: string;
  readonly base: string;
}

/** SHA-256 of all that a machine reads and does not write. */
export interface SnapshotSources extends ImageHashes {
  /** Taken when the drive was made, and kept in the machine's record. */
  readonly agentDrive: string;
}

/** Says that these files are a snapshot of ours, and which. Firecracker itself trusts whatever it is given. */
export interface SnapshotManifest {
  readonly machineId: string;
  readonly generation: number;
  readonly memoryMb: number;
  readonly host: SnapshotHost;
  readonly sources: SnapshotSources;
  /** Whether its state has the time of day, by which a load can move the guest's clock on. Absent: not known to. */
  readonly clockRealtime?: boolean;
  readonly digests: SnapshotDigests;
}

const PURPOSE = 'sallyport snapshot';

/** The manifest as it is written: its bytes, and the code that only the key's holder can make. */
export function sealManifest(manifest: SnapshotManifest, key: Secret): string {
  return seal(manifest, PURPOSE, key);
}

/** `undefined` where the key's holder did not write it. */
export function openManifest(sealed: string, key: Secret): SnapshotManifest | undefined {
  const manifest = unseal(sealed, PURPOSE, key);
  return isManifest(manifest) ? manifest : undefined;
}

/** Why this snapshot cannot be used here and now; `undefined` where it can. */
export async function findMismatch(
  manifest: SnapshotManifest,
  expected: {
    readonly machineId: string;
    readonly memoryMb: number;
    readonly host: SnapshotHost;
    readonly sources: ImageHashes;
  },
  files: SnapshotFiles & { readonly agentDrive: string },
): Promise<string | undefined> {
  if (manifest.machineId !== expected.machineId) {
    return 'it is of another machine';
  }
  if (manifest.memoryMb !== expected.memoryMb) {
    return `it has ${manifest.memoryMb} MB of memory, not ${expected.memoryMb}`;
  }
  const { host } = manifest;
  if (host.firecracker !== expected.host.firecracker || host.snapshotFormat !== expected.host.snapshotFormat) {
    return `it was made by Firecracker ${host.firecracker}`;
  }
  if (host.kernel !== expected.host.kernel || host.cpu !== expected.host.cpu) {
    return 'it was made on another kernel or processor';
  }
  const image = (['kernel', 'base'] as const).find((name) => manifest.sources[name] !== expected.sources[name]);
  if (image !== undefined) {
    return `its ${image} image is another one`;
  }
  const agentDrive = await digestFile(files.agentDrive).catch(() => undefined);
  if (agentDrive?.sha256 !== manifest.sources.agentDrive) {
    return 'its agent drive is not what was saved';
  }
  const found = await digestFiles(files).catch(() => undefined);
  const changed = snapshotParts.find((name) => found?.[name] !== manifest.digests[name]);
  return changed && `its ${changed} is not what was saved`;
}

const snapshotParts = ['state', 'memory', 'disk'] as const;

/** What the files of a snapshot are known by. Large ones are hashed in separate threads. */
export async function digestFiles(files: SnapshotFiles): Promise<SnapshotDigests> {
  const [state, memory, disk] = await Promise.all([
    digestFile(files.state),
    digestFile(files.memory),
    fileFacts(files.disk),
  ]);
  return { state: state.sha256, memory: memory.sha256, disk };
}

/** The code above has been checked, so it is as we wrote it; this tells an older shape apart. */
function isManifest(value: unknown): value is SnapshotManifest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'generation' in value &&
    Number.isInteger(value.generation) &&
    'host' in value &&
    'sources' in value &&
    'digests' in value
  );
}
