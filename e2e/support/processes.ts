import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { poll } from './server.ts';

export interface SeenProcess {
  readonly pid: number;
  readonly command: string;
  /** The machine it belongs to, as far as it can be told. */
  readonly machineId: string | undefined;
}

/**
 * Every process of this host that has to do with a data directory: names it in its arguments or environment, works in
 * it, or has a part of it mounted, as everything inside a sandbox does.
 */
export async function processesOf(dataDirectory: string): Promise<readonly SeenProcess[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1 && pid !== process.pid);
  const seen = await Promise.all(pids.map((pid) => look(pid, dataDirectory)));
  return seen.filter((each) => each !== undefined);
}

/** Waits until no process has to do with the data directory any more. */
export async function untilNoProcessOf(dataDirectory: string): Promise<void> {
  let last: readonly SeenProcess[] = [];
  await poll('every process to be gone', async () => {
    last = await processesOf(dataDirectory);
    return last.length === 0 ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`Still there: ${last.map(({ pid, command }) => `${pid} ${command}`).join('; ')}`, { cause: error });
  });
}

/** The directories of machines that exist. */
export async function machineDirectories(dataDirectory: string): Promise<readonly string[]> {
  return (await readdir(join(dataDirectory, 'machines'))).filter((name) => name.startsWith('m-'));
}

/** The agents of a machine: under a sandbox there is the one process, and no other Node. */
export async function agentOf(dataDirectory: string, machineId: string): Promise<number> {
  return poll('the agent to run', async () => {
    const found = await processesOf(dataDirectory);
    return found.find((each) => each.machineId === machineId && isAgent(each.command))?.pid;
  });
}

function isAgent(command: string): boolean {
  return /^\S*node\S* (?:\S+ )*?\S*main\.js/.test(command) && !command.includes('bwrap');
}

async function look(pid: number, dataDirectory: string): Promise<SeenProcess | undefined> {
  try {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8');
    if (state.slice(state.lastIndexOf(')') + 2).startsWith('Z')) return undefined;
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    const rest = await Promise.all([
      readFile(`/proc/${pid}/environ`, 'utf8'),
      readFile(`/proc/${pid}/mountinfo`, 'utf8'),
      readlink(`/proc/${pid}/cwd`),
    ]);
    const everything = [command, ...rest].join('\n');
    if (!everything.includes(dataDirectory)) return undefined;
    return { pid, command, machineId: /\/machines\/(m-[a-z0-9-]+)/.exec(everything)?.[1] };
  } catch {
    // It ended while it was looked at.
    return undefined;
  }
}
