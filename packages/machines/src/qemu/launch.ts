import { chown, mkdir } from 'node:fs/promises';

import { removeTree } from '../host/remove-tree.ts';

export interface LaunchOptions {
  /** Command prefix that runs a command in the machine's network. */
  readonly enter: readonly string[];
  /** The user that QEMU runs as. Absent if the server is not root: QEMU then runs as the server's user. */
  readonly uid?: number;
  /** The network has a TAP device, which QEMU opens. */
  readonly opensTap: boolean;
  /** The largest file that QEMU writes: the machine's disk. */
  readonly diskMb: number;
  /** Runs in the background, with lower priority than machines that a user waits for. */
  readonly inBackground?: boolean;
}

/** Builds the command prefix that drops privileges before QEMU starts. */
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
    // The limit is per user, and each machine has its own user.
    ['prlimit', ...limits, '--nproc=256', '--'],
  ].flat();
}

/**
 * Creates a private /dev/net/tun in a new mount namespace, because some hosts let only root open theirs. QEMU can open
 * only the TAP device that its user owns.
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
