import { Client, type ClientConfig } from 'pg';

import { SallyportError, systemClock } from '@sallyport/core';

import { startProcess, type ProcessEnd, type WatchedProcess } from './process.ts';

/** A running PostgreSQL server. */
export interface Postmaster {
  readonly pid: number | undefined;
  readonly ended: Promise<ProcessEnd>;
  /** Ends it: open transactions are rolled back, what is committed is on disk. Safe to repeat. */
  stop(): Promise<void>;
}

/** Starts PostgreSQL and returns when it answers. Recovery after a crash is part of the wait. */
export async function startPostmaster(
  command: readonly string[],
  connection: ClientConfig,
  signal: AbortSignal | undefined,
): Promise<Postmaster> {
  using deadline = systemClock.deadline(START_MS, () => startError('did not answer within two minutes', ''), signal);
  for (;;) {
    const started = startProcess(command);
    try {
      const end = await waitUntilReady(started, connection, deadline.signal);
      if (!end) return { pid: started.child.pid, ended: started.ended, stop: () => stop(started) };
      const said = started.lastLines();
      // The children of a postmaster that was killed take a moment to notice, and hold its shared memory until then.
      if (!said.includes('is still in use')) throw startError(`ended with ${end.code ?? end.signal}`, said);
    } catch (error) {
      await stop(started);
      throw error;
    }
    await systemClock.sleep(200, deadline.signal);
  }
}

const START_MS = 120_000;
const POLL_MS = 25;

/** `undefined` when the server answers, or how it ended instead. */
async function waitUntilReady(
  started: WatchedProcess,
  connection: ClientConfig,
  signal: AbortSignal,
): Promise<ProcessEnd | undefined> {
  const stillRuns = Symbol('still runs');
  for (;;) {
    signal.throwIfAborted();
    const end = await Promise.race([started.ended, Promise.resolve(stillRuns)]);
    if (typeof end !== 'symbol') return end;
    const client = new Client({ ...connection, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return undefined;
    } catch {
      await systemClock.sleep(POLL_MS, signal);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Fast shutdown; then immediate shutdown, which recovers at the next start; then the kernel's. */
async function stop({ child, ended }: WatchedProcess): Promise<void> {
  for (const [name, waitMs] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 6_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    child.kill(name);
    const patience = new AbortController();
    const timeUp = systemClock.sleep(waitMs, patience.signal).then(
      () => false,
      () => false,
    );
    const isOver = await Promise.race([ended.then(() => true), timeUp]);
    patience.abort();
    if (isOver) return;
  }
}

function startError(what: string, said: string): SallyportError {
  return new SallyportError('CONFIG_HOST_UNSUITABLE', `The embedded database ${what}.${said && ` It said: ${said}`}`, {
    hint: 'See its last lines above, or set DATABASE_URL to your own PostgreSQL (15 or newer).',
  });
}
