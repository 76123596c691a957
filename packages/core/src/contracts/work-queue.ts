/**
 * All creation, waking, rest and destruction of machines goes through one queue. What is to be done is data, so that
 * the line may be kept in a database and each host take the work of its own machines; how it is done stays with the host
 * that asks.
 */
export interface WorkQueue {
  /**
   * Performs the work in its turn. Works of one machine never overlap. Work that starts a machine waits in a bounded
   * line: where that is full, or the turn does not come in time, it throws `MACHINE_CAPACITY`. Work that ends one is
   * never refused, since it frees what others wait for.
   */
  run<T>(work: MachineWork, turn: Turn, perform: () => Promise<T>): Promise<T>;
  /** Throws `MACHINE_CAPACITY` where work that starts a machine would be refused now. */
  check(): void;
  /** After how many seconds one more machine may find a turn, for `Retry-After`. */
  retryAfterSeconds(): number;
  isUnderWay(machineId: string): boolean;
  load(): QueueLoad;
}

export interface MachineWork {
  readonly kind: 'create' | 'wake' | 'rest' | 'destroy';
  readonly machineId: string;
  /** Turns are shared out among users, not among their machines. */
  readonly userId: string;
}

export interface Turn {
  /** Whoever gives up while waiting leaves the line at once. Work under way looks at it itself. */
  readonly signal?: AbortSignal;
  /** Called with 1 for who is next, when the work has to wait and each time it comes nearer. */
  readonly onPosition?: (position: number) => void;
}

export interface QueueLoad {
  /** Works that start a machine and wait for their turn. */
  readonly waiting: number;
  /** Works under way, of every kind. */
  readonly underWay: number;
}

/** What an operator decides about the queue. */
export interface QueueSettings {
  /** How many machines are started or woken at a time, and how many are ended. Default 8. */
  readonly atOnce: number;
  /** How many may wait to be started. Default 100. */
  readonly maxWaiting: number;
  /** How long one may wait. Default 2 minutes. */
  readonly waitMs: number;
}
