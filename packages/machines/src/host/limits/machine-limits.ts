/** What a machine's processes may use together before the kernel refuses or kills them. */
export interface MachineLimits {
  /** Bytes of memory, caches included. */
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly processes: number;
}

/** Default of {@link MachineLimits.processes}; Podman's as well. */
export const DEFAULT_PROCESSES = 2048;

/** Open files of each process. */
export const OPEN_FILES = 8192;

/**
 * A plan's memory is what a CLI typically needs. The limit protects the host, not the plan: a build may use twice as
 * much before it is killed.
 */
export function limitsOf(plan: { readonly memoryMb: number }, processes = DEFAULT_PROCESSES): MachineLimits {
  return { memoryBytes: 2 * plan.memoryMb * 1024 ** 2, processes };
}
