import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MachineDisk } from '@sallyport/core/driver';

import { createDisk, diskFormat } from '../create-disk.ts';
import { createOfflineDisk } from '../offline-disk.ts';

/** Who runs the tools when the tests are root. */
const owner = process.geteuid?.() === 0 ? 201_777 : undefined;

/** A machine's disk with whatever its guest did to it, in a directory whose every change is noticed. */
export interface GuestDisk extends Disposable {
  readonly path: string;
  readonly disk: MachineDisk;
  /** What root in the guest could do as well. Paths must be absolute. */
  debugfs(...commands: readonly string[]): string;
  /** Remembers the disk as it is, and puts it back so, but for some bytes. */
  keep(): (changes: readonly { readonly at: number; readonly byte: number }[]) => void;
  /** Everything around the disk, and when the disk itself was last touched. */
  hash(): string;
  /** What of the disk can be read on this host by looking at its file. */
  bytes(): Buffer;
}

export async function createGuestDisk(sizeMb = 64): Promise<GuestDisk> {
  return wrap(async (path) => await createDisk(path, { sizeMb, owner, signal: new AbortController().signal }));
}

/** A disk that was filled from a directory, which may hold names that debugfs cannot be told. */
export async function guestDiskFrom(tree: string): Promise<GuestDisk> {
  return wrap((path) => {
    writeFileSync(path, '');
    truncateSync(path, 64 * 1024 * 1024);
    execFileSync('/usr/sbin/mke2fs', [...diskFormat, '-d', tree, path], { stdio: 'pipe' });
    if (owner !== undefined) chownSync(path, owner, owner);
    return Promise.resolve();
  });
}

async function wrap(make: (path: string) => Promise<void>): Promise<GuestDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'sp-guest-disk-'));
  // The tools' user may pass through, and must not need to.
  chmodSync(folder, 0o700);
  const path = join(folder, 'disk.ext4');
  writeFileSync(join(folder, 'auth.json'), 'of the host');
  await make(path);
  return {
    path,
    disk: createOfflineDisk({ path, role: 'cli', requireFree: (work) => work() }),
    debugfs: (...commands) =>
      execFileSync('/usr/sbin/debugfs', ['-w', '-f', '-', path], {
        input: commands.map((command) => `${command}\n`).join(''),
        stdio: 'pipe',
        maxBuffer: 64 * 1024 * 1024,
      }).toString('latin1'),
    keep: () => {
      const copy = (from: string, to: string): void =>
        void execFileSync('cp', ['--sparse=always', '--preserve=all', from, to], { stdio: 'pipe' });
      const kept = join(folder, 'kept.ext4');
      copy(path, kept);
      return (changes) => {
        copy(kept, path);
        const descriptor = openSync(path, 'r+');
        for (const { at, byte } of changes) writeSync(descriptor, Buffer.of(byte), 0, 1, at);
        closeSync(descriptor);
      };
    },
    hash: () => hashTree(folder),
    bytes: () => readFileSync(path),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Of a disk it is enough to know that nobody wrote to it, or put another in its place. */
function hashTree(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(folder, name);
    const { mode, uid, gid, ino, size, ctimeNs } = lstatSync(path, { bigint: true });
    hash.update([name, mode, uid, gid, ino, size, ctimeNs].join(' '));
    if (!name.endsWith('.ext4') && lstatSync(path).isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}
