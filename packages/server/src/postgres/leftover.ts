import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError, systemClock } from '@sallyport/core';

import { hasCode } from '../host/node-error.ts';
import { runProcess } from './process.ts';

/**
 * Deals with a postmaster.pid that a killed server left. A postmaster that still runs on this cluster is ended: the
 * caller holds the claim on it, so it is nobody's. A pid that by now belongs to a stranger would keep
 * PostgreSQL from starting; then the file goes.
 */
export async function endLeftover(data: string, signal?: AbortSignal): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  const found = pid > 1 ? await identify(pid, data) : 'stranger';
  if (found === 'postmaster') await end(pid, signal);
  // PostgreSQL itself sees to a pid that is gone, and knows better than we do where we may not look.
  if (found === 'stranger') await rm(pidFile, { force: true });
}

async function identify(pid: number, data: string): Promise<'postmaster' | 'stranger' | 'gone' | 'unknown'> {
  if (!isAlive(pid)) return 'gone';
  if (process.platform !== 'linux') {
    const { output } = await runProcess(['ps', '-o', 'args=', '-p', String(pid)]);
    return output.includes('postgres') && output.includes(data) ? 'postmaster' : 'stranger';
  }
  // Ended, but its parent has not looked (pid 1 of many containers never does): to PostgreSQL it seems alive.
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  if (status.slice(status.lastIndexOf(')')).startsWith(') Z')) return 'stranger';
  try {
    // A postmaster works in its data directory, which a bind mount may show under another name.
    const [directory, own] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(data)]);
    return directory.dev === own.dev && directory.ino === own.ino ? 'postmaster' : 'stranger';
  } catch {
    return isAlive(pid) ? 'unknown' : 'gone';
  }
}

async function end(pid: number, signal?: AbortSignal): Promise<void> {
  for (const [name, waitMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 2_000],
  ] as const) {
    try {
      process.kill(pid, name);
    } catch {
      return;
    }
    const until = systemClock.monotonic() + waitMs;
    while (systemClock.monotonic() < until) {
      if (!isAlive(pid)) return;
      await systemClock.sleep(20, signal);
    }
  }
  throw new SallyportError(
    'CONFIG_HOST_UNSUITABLE',
    `A database process of an earlier server (pid ${pid}) does not end.`,
    {
      hint: `End it with \`kill -9 ${pid}\`, or restart this host.`,
    },
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
