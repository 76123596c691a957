import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * The TCP ports on which a process, or one that it started, listens. Read from Linux's /proc (proc_net(5),
 * proc_pid_fd(5)); empty without it, or where the process is another user's.
 */
export async function listeningPorts(pid: number): Promise<ReadonlySet<number>> {
  const family = await descendantsOf(pid);
  const ports = await Promise.all(family.map(portsOf));
  return new Set(ports.flat());
}

/** The process and all below it. A sandbox starts the CLI in another process group, so groups do not tell. */
async function descendantsOf(pid: number): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map(await Promise.all(pids.map(async (each) => [each, await parentOf(each)] as const)));
  const isBelow = (each: number | undefined): boolean =>
    each !== undefined && each > 1 && (each === pid || isBelow(parents.get(each)));
  return pids.filter(isBelow);
}

async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name, in brackets, may hold anything; after it come the state and the parent.
  const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

async function portsOf(pid: number): Promise<readonly number[]> {
  const sockets = await socketsOf(pid);
  if (sockets.size === 0) return [];
  // The table is that of the network namespace in which this process is.
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  );
  return tables
    .flatMap((table) => table.split('\n'))
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      return state === LISTEN && sockets.has(inode)
        ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)]
        : [];
    });
}

/** TCP_LISTEN of the kernel's `tcp_states.h`. */
const LISTEN = '0A';

async function socketsOf(pid: number): Promise<ReadonlySet<string>> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}
