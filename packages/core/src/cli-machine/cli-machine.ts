import type { SallyportError } from '../base/errors.ts';
import type { SerialQueue } from '../base/serial-queue.ts';
import type { RunningMachine } from '../machine/provision-machine.ts';

/** A login that a machine runs without: which version it was, and why. */
export interface Withheld {
  readonly version: number;
  readonly error: SallyportError;
}

/** A user's CLI machine while it runs. */
export interface CliMachine {
  readonly userId: string;
  readonly running: RunningMachine;
  /** Providers whose CLI it can run. */
  readonly providers: ReadonlySet<string>;
  /** Logins that were kept off it. */
  readonly withheld: ReadonlyMap<string, Withheld>;
  /** Taking in a rotation, and asking whether the machine is up to date, one at a time: in between, it looks stale. */
  readonly intake: SerialQueue;
  /** Prompts under way. */
  active: number;
  /** Monotonic time of the last use. */
  lastUsed: number;
  /** How often the idle time it is left before it is put to rest: 1, and up to `idleJitter` more. */
  patience: number;
  /** Provider → monotonic time before which its login is not refreshed again. */
  readonly refreshes: Map<string, number>;
  /** It ended by itself and has not been cleared up yet. */
  ended: boolean;
}
