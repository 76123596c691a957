/**
 * Serializes creating, waking, hibernating, stopping and destroying machines. A work item is data, so that the queue
 * can be kept in a database and each host takes the work for its machines. The host that enqueues the work supplies
 * the function that performs it.
 */
export interface WorkQueue {
  /**
   * Performs the work when its turn comes. Work on the same machine never overlaps. Work that starts a machine waits
   * in a bounded queue: throws `MACHINE_CAPACITY` if the queue is full or the wait is too long. Work that ends a
   * machine is never refused, since it frees resources.
   */
  run<T>(work: MachineWork, turn: Turn, perform: () => Promise<T>): Promise<T>;
  /** Throws `MACHINE_CAPACITY` if work that starts a machine would be refused now. */
  check(): void;
  /** Estimated seconds until another machine gets a turn, for `Retry-After`. */
  retryAfterSeconds(): number;
  isUnderWay(machineId: string): boolean;
  load(): QueueLoad;
}

export interface MachineWork {
  readonly kind: 'create' | 'wake' | 'rest' | 'destroy';
  readonly machineId: string;
  /** Turns are shared fairly among users, not machines. */
  readonly userId: string;
}

export interface Turn {
  /** Aborting removes waiting work from the queue at once. Running work observes the signal itself. */
  readonly signal?: AbortSignal;
  /** Called when the work has to wait and whenever its position changes. 1 means next. */
  readonly onPosition?: (position: number) => void;
}

export interface QueueLoad {
  /** Work that starts a machine and waits for its turn. */
  readonly waiting: number;
  /** Running work of every kind. */
  readonly underWay: number;
}

/** Queue settings that an operator can change. */
export interface QueueSettings {
  /**
   * How many machines may start or wake concurrently; the same limit applies to machines that are ending. Default 8.
   */
  readonly atOnce: number;
  /** How many starts may wait. Default 100. */
  readonly maxWaiting: number;
  /** How long a start may wait. Default 2 minutes. */
  readonly waitMs: number;
}
