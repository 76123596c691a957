/**
 * Does something that takes room on the host and that nobody waits for. Throws `MACHINE_CAPACITY` where there is none to
 * spare. When somebody needs the room the signal aborts, and what the work has made must be gone when it ends.
 */
export type UseSpareRoom = <T>(work: SpareWork<T>) => Promise<T>;

export interface SpareWork<T> extends Need {
  /** Names what takes the room; of its own, as a machine has. */
  readonly id: string;
  readonly signal: AbortSignal;
  readonly do: (signal: AbortSignal) => Promise<T>;
}

/** What a machine takes of its host while it runs. One that hibernates or is stopped takes only disk. */
export interface Need {
  readonly memoryMb: number;
  readonly vcpus: number;
}
