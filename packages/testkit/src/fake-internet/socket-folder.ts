import { chmod, lstat, mkdir, mkdtemp, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { longestSocketPath } from './listen.ts';

export interface SocketDirectory {
  /** Short enough for the sockets in it. */
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * A directory for sockets: the wanted one, or, where its path is too long for a socket address, one below the system's
 * temporary directory, to which the wanted path becomes a link. Others may pass through it and cannot list it.
 */
export async function makeSocketDirectory(wanted: string, longestName: number): Promise<SocketDirectory> {
  await removeFormer(wanted);
  if (Buffer.byteLength(wanted) + 1 + longestName <= longestSocketPath) {
    await mkdir(wanted, { recursive: true });
    // mkdir(2) takes the umask away from the mode.
    await chmod(wanted, 0o711);
    const left = (await readdir(wanted)).filter((name) => name.endsWith('.sock'));
    await Promise.all(left.map((name) => rm(join(wanted, name))));
    return { path: wanted, remove: async () => undefined };
  }
  const path = await mkdtemp(join(tmpdir(), prefix));
  await chmod(path, 0o711);
  await mkdir(dirname(wanted), { recursive: true });
  await symlink(path, wanted);
  return { path, remove: () => removeFormer(wanted) };
}

const prefix = 'sallyport-internet-';

/** What a run that was killed has left. */
async function removeFormer(wanted: string): Promise<void> {
  const facts = await lstat(wanted).catch(() => undefined);
  if (!facts?.isSymbolicLink()) return;
  const target = await readlink(wanted);
  await rm(wanted);
  if (dirname(target) === tmpdir() && basename(target).startsWith(prefix)) {
    await rm(target, { recursive: true, force: true });
  }
}
