import { chmod, chown, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { direct, dropped, renamed, staged, unattended, type ClusterDirectories, type Launcher } from './launcher.ts';
import { runProcess } from './process.ts';

/** Finds, by trying, the first way to run PostgreSQL that works on this host. */
export async function chooseLauncher(
  launchers: readonly Launcher[],
  folders: ClusterDirectories,
  signal?: AbortSignal,
): Promise<Launcher> {
  const failures: string[] = [];
  for (const launcher of launchers) {
    await prepare(launcher, folders);
    // Also shows that the socket's directory can be written, and that the user has a name, without which initdb fails.
    const trial = 'cd "$1" && test -w . && id -un && exec "$2" --version';
    // There may be no data yet.
    const command = launcher.command({ ...folders, data: folders.socket }, (seen) => [
      '/bin/sh',
      '-c',
      trial,
      'trial',
      seen.socket,
      `${seen.native}/bin/postgres`,
    ]);
    const { code, output } = await runProcess(command, signal);
    if (code === 0) return launcher;
    failures.push(`${launcher.name}: ${output || `ended with ${code}`}`);
  }
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', 'The embedded database cannot be run on this host.', {
    hint: isRoot() ? rootHint : userHint,
    details: { tried: failures },
  });
}

const userHint =
  'Run the server as a user whom /etc/passwd knows, or set DATABASE_URL to your own PostgreSQL (15 or newer).';

const rootHint =
  'Run the server as an ordinary user, or set DATABASE_URL to your own PostgreSQL (15 or newer). ' +
  'Or give it directories (its own and SALLYPORT_DATA_DIR) that every user may enter.';

const isRoot = (): boolean => process.getuid?.() === 0;

/** Best first. */
export async function usualLaunchers(): Promise<readonly Launcher[]> {
  if (process.platform !== 'linux') return [unattended];
  const account = await findAccount();
  // The second is for a user without a name: `docker run --user 1234`.
  if (!isRoot()) return [direct, ...(account === undefined ? [] : [renamed(account)]), unattended];
  const uid = await findFreeUid();
  return [
    ...(uid === undefined ? [] : [staged(uid)]),
    ...(account === undefined ? [] : [renamed(account), dropped(account)]),
  ];
}

/** The launcher's user may use the socket's directory and enter ours. */
async function prepare(launcher: Launcher, { socket, passwd }: ClusterDirectories): Promise<void> {
  const uid = launcher.owner ?? process.getuid?.() ?? 0;
  await writeFile(passwd, `postgres:x:${uid}:${uid}:PostgreSQL:/:/bin/false\n`, { mode: 0o644 });
  if (!isRoot()) return;
  await chown(socket, uid, uid);
  // To enter only: what lies below has directories that are closed to everybody else.
  await chmod(dirname(passwd), launcher.opensDirectory ? 0o711 : 0o700);
}

/**
 * Uids that nobody has: one far above accounts and below what the process driver gives to machines; where a container
 * maps fewer, the last one before systemd's dynamic users.
 */
const databaseUids: readonly number[] = [199_998, 61_183];

async function findFreeUid(): Promise<number | undefined> {
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '');
  const ranges = map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return databaseUids.find((uid) => ranges.some(([first = 0, , count = 0]) => uid >= first && uid < first + count));
}

/** An account that exists: without a mount namespace initdb reads the real /etc/passwd. */
async function findAccount(): Promise<number | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  const named = ['postgres', 'nobody'].map((name) => lines.find((line) => line[0] === name));
  const line = named.find((entry) => entry !== undefined) ?? lines.find((entry) => Number(entry[2]) > 0);
  return line === undefined ? undefined : Number(line[2]);
}
