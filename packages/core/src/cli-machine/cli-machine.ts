import type { Holder } from '../custody/holder.ts';

/** A user's running CLI machine. */
export interface CliMachine extends Holder {
  /** Number of running prompts. */
  active: number;
  /** Monotonic time of the last use. */
  lastUsed: number;
  /** Factor for the idle time before the machine stops: 1 plus up to `idleJitter`. */
  patience: number;
  /** Provider → monotonic time before which its credential is not refreshed again. */
  readonly refreshes: Map<string, number>;
  /** The machine ended unexpectedly and has not been cleaned up yet. */
  ended: boolean;
}
