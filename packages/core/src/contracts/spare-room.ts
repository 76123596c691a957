/**
 * Runs work that takes room on the host and that no user is waiting for. Throws `MACHINE_CAPACITY` if there is no
 * spare room. The signal aborts when a user needs the room; the work must then remove everything it created before it
 * ends.
 */
export type UseSpareRoom = <T>(work: SpareWork<T>) => Promise<T>;

export interface SpareWork<T> extends Need {
  /** Unique id of the work, like a machine id. */
  readonly id: string;
  readonly signal: AbortSignal;
  readonly do: (signal: AbortSignal) => Promise<T>;
}

/** Resources that a machine takes while it runs. A hibernating or stopped machine takes only disk. */
export interface Need {
  readonly memoryMb: number;
  readonly vcpus: number;
}
