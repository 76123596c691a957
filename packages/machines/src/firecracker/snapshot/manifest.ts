import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';

import type { Secret } from '@sallyport/core';

import { hashFile } from '../../images/hash.ts';

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
  /** SHA-256, hexadecimal. */
  readonly digests: SnapshotFiles;
}

/** The manifest as it is written: its bytes, and the code that only the key's holder can make. */
export function sealManifest(manifest: SnapshotManifest, key: Secret): string {
  const text = JSON.stringify(manifest);
  return `${authenticate(text, key)}\n${text}`;
}

/** `undefined` where the key's holder did not write it. */
export function openManifest(sealed: string, key: Secret): SnapshotManifest | undefined {
  const line = sealed.indexOf('\n');
  const [given, text] = [Buffer.from(sealed.slice(0, Math.max(line, 0))), sealed.slice(line + 1)];
  const expected = Buffer.from(authenticate(text, key));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return undefined;
  }
  const manifest: unknown = JSON.parse(text);
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
  const agentDrive = await hashFile(files.agentDrive).catch(() => undefined);
  if (agentDrive !== manifest.sources.agentDrive) {
    return 'its agent drive is not what was saved';
  }
  const found = await digestFiles(files).catch(() => undefined);
  const changed = snapshotParts.find((name) => found?.[name] !== manifest.digests[name]);
  return changed && `its ${changed} is not what was saved`;
}

const snapshotParts = ['state', 'memory', 'disk'] as const;

/** Reading the memory in order is also what brings it into the page cache, where a load wants it. */
export async function digestFiles(files: SnapshotFiles): Promise<SnapshotFiles> {
  const [state, memory, disk] = await Promise.all(
    [files.state, files.memory, files.disk].map(async (path) => {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
        hash.update(chunk);
      }
      return hash.digest('hex');
    }),
  );
  return { state: state ?? '', memory: memory ?? '', disk: disk ?? '' };
}

const authenticate = (text: string, key: Secret): string =>
  createHmac('sha256', key.reveal()).update('sallyport snapshot\n').update(text).digest('hex');

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
