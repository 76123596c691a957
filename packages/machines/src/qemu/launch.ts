import { chown, mkdir } from 'node:fs/promises';

import { removeTree } from '../host/remove-tree.ts';

export interface LaunchOptions {
  /** Words that put a command where the machine's network is. */
  readonly enter: readonly string[];
  /** The user that QEMU becomes. Absent where the server is not root: then it stays the server's own. */
  readonly uid?: number;
  /** The network has a TAP device, which QEMU opens. */
  readonly opensTap: boolean;
  /** The largest file that QEMU writes: the machine's disk. */
  readonly diskMb: number;
  /** Nobody waits for it: machines that somebody waits for go first. */
  readonly inBackground?: boolean;
}

/** Words before QEMU's own: they take its rights away before its first instruction. */
export function launchWords({ enter, uid, opensTap, diskMb, inBackground = false }: LaunchOptions): readonly string[] {
  const limits = [`--fsize=${diskMb * 1024 * 1024}`, '--nofile=256', '--core=0'];
  const without = ['setpriv', '--no-new-privs', '--inh-caps=-all'];
  const yielding = inBackground ? ['nice', '-n', '10'] : [];
  if (uid === undefined) return [...yielding, ...enter, ...without, '--', 'prlimit', ...limits, '--'];
  return [
    yielding,
    enter,
    opensTap ? ['unshare', '--mount', '--', 'sh', '-ec', OWN_TAP_DEVICE, 'sh', String(uid)] : [],
    [...without, '--bounding-set=-all', '--clear-groups', `--reuid=${uid}`, `--regid=${uid}`, '--'],
    // Counted by user, and each machine is one of its own.
    ['prlimit', ...limits, '--nproc=256', '--'],
  ].flat();
}

/**
 * A /dev/net/tun of this machine's own, in a mount namespace of its own: not every host lets other users than root open
 * the one it has. With it, QEMU gets the TAP device that its user owns and no other.
 */
const OWN_TAP_DEVICE = `
uid=$1
shift
mount -t tmpfs -o mode=755,size=64k,nosuid,noexec tmpfs /dev/net
mknod -m 600 /dev/net/tun c 10 200
chown "$uid" /dev/net/tun
exec "$@"`;

/** QEMU's directory, empty. */
export async function prepareRunDirectory(path: string, uid: number | undefined): Promise<void> {
  await removeTree(path);
  await mkdir(path, { mode: 0o700 });
  if (uid !== undefined) await chown(path, uid, uid);
}
