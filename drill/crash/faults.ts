import type { WallClock } from './wall-clock.ts';
import type { PostgresProxy } from './postgres-proxy.ts';
import type { SmallDisk } from './small-disk.ts';

/** What is done to a server at one of its steps. */
export interface Fault {
  readonly name: string;
  /** Whether the server is gone after it. */
  readonly isDeadly: boolean;
  /** Whether it also falls after a step, when the change is made but the server does not know it yet. */
  readonly fallsAfter: boolean;
  fall(host: FaultyHost): void;
  /** What the operator does about it, once the user has seen what came of it. */
  mend?(host: FaultyHost): void;
}

/** What faults fall on. */
export interface FaultyHost {
  killServer(): void;
  readonly database: PostgresProxy;
  readonly disk: SmallDisk;
  readonly clock: WallClock;
}

/** The operator of a full database makes room after so many refused writes: some are repeated until there is room. */
const REFUSED_WRITES = 4;

/** More than any time limit of a login, a prompt, a link or a lease. */
const JUMP_HOURS = 25;

export const faults: readonly Fault[] = [
  { name: 'kill', isDeadly: true, fallsAfter: true, fall: (host) => host.killServer() },
  { name: 'cut', isDeadly: false, fallsAfter: true, fall: ({ database }) => database.cut() },
  {
    name: 'database-full',
    isDeadly: false,
    fallsAfter: false,
    fall: ({ database }) => database.refuseWrites(REFUSED_WRITES),
    mend: ({ database }) => database.refuseWrites(0),
  },
  {
    name: 'disk-full',
    isDeadly: false,
    fallsAfter: false,
    fall: ({ disk }) => disk.fill(),
    mend: ({ disk }) => disk.makeRoom(),
  },
  // Nobody puts the clock right before the server is stopped, which the next one finds as a jump in the other direction.
  { name: 'clock-ahead', isDeadly: false, fallsAfter: false, fall: ({ clock }) => clock.jump(JUMP_HOURS) },
  { name: 'clock-back', isDeadly: false, fallsAfter: false, fall: ({ clock }) => clock.jump(-JUMP_HOURS) },
];
