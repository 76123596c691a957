import { SallyportError } from '../base/errors.ts';

/** A heartbeat younger than this means that the server runs. */
export const HEARTBEAT_FRESH_MS = 30_000;

/** How often a server writes its heartbeat: three may be lost before another server may take its place. */
export const HEARTBEAT_MS = 8_000;

/** The server that owns a host's rows. */
export interface ServerRecord {
  readonly host: string;
  /** Number of its claim; starts at 1. */
  readonly epoch: number;
  /** Its last heartbeat is younger than {@link HEARTBEAT_FRESH_MS}, by the clock of the store. */
  readonly isFresh: boolean;
}

/**
 * Records which server owns the machines, logins and prompts of each host. Several servers may share a store, each
 * with its own host.
 */
export interface ServerStore {
  get(host: string): Promise<ServerRecord | undefined>;
  /**
   * Claims the host with epoch `expectedEpoch + 1`. Compare-and-set: returns false if the stored epoch differs. An
   * `expectedEpoch` of 0 means that the host has no row. Afterwards this store refuses its own writes with
   * `SERVER_SUPERSEDED` once another server has claimed the host, as far as it can.
   */
  claim(host: string, expectedEpoch: number): Promise<boolean>;
  /** Writes the heartbeat. Returns false if another server has claimed the host. */
  beat(host: string, epoch: number): Promise<boolean>;
  /** Lets the next server claim the host at once. Does nothing if another server has claimed it. */
  release(host: string, epoch: number): Promise<void>;
}

/** What a store throws once another server has claimed its host. */
export function serverSuperseded(host: string): SallyportError {
  return new SallyportError('SERVER_SUPERSEDED', `Another server has claimed the host ID ${host} on this database.`, {
    details: { host },
    hint: 'Find out which server uses a copy of this data directory, and stop one of them.',
  });
}
