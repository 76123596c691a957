import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { ServerStore } from '../contracts/server-store.ts';

/** Remembers the epoch of this host's last claim where a crash does not lose it, such as the data directory. */
export interface EpochMemory {
  read(): Promise<number | undefined>;
  write(epoch: number): Promise<void>;
}

export interface HostClaimOptions {
  readonly host: string;
  readonly servers: ServerStore;
  /** Absent: another server's claim is always taken over. */
  readonly memory: EpochMemory | undefined;
}

/**
 * Claims this host's rows in the store and returns the claim's epoch. A predecessor that crashed left a fresh
 * heartbeat; it is recognized by the remembered epoch, because only one server at a time has that memory.
 *
 * @throws SallyportError `SERVER_RUNNING` if another server with this host's name runs.
 */
export async function claimHost({ host, memory, servers }: HostClaimOptions): Promise<number> {
  const found = await servers.get(host);
  const epoch = (found?.epoch ?? 0) + 1;
  if (found?.isFresh && memory) {
    const remembered = await memory.read();
    // The epoch is remembered before it is claimed, so a crash in between leaves it one ahead.
    if (remembered === undefined || (remembered !== found.epoch && remembered !== epoch)) throw serverRunning(host);
  }
  await memory?.write(epoch);
  if (!(await servers.claim(host, epoch - 1))) throw serverRunning(host);
  return epoch;
}

export interface HeartbeatOptions {
  readonly host: string;
  readonly epoch: number;
  readonly servers: ServerStore;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly signal: AbortSignal;
  onSuperseded(): void;
  onError(error: unknown): void;
}

/** Writes heartbeats until the signal aborts or another server has claimed the host. Goes on while the store is away. */
export async function keepHeartbeat(options: HeartbeatOptions): Promise<void> {
  const { clock, epoch, everyMs, host, servers, signal } = options;
  while (!signal.aborted) {
    try {
      if (!(await servers.beat(host, epoch))) return options.onSuperseded();
    } catch (error) {
      options.onError(error);
    }
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

function serverRunning(host: string): SallyportError {
  return new SallyportError('SERVER_RUNNING', `Another server runs with the host ID ${host} on this database.`, {
    details: { host },
    hint: 'Stop it first. To run several servers on one database, give each its own data directory; never copy one.',
  });
}
