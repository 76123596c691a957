/**
 * The loopback ports that sign-in callbacks come back to (RFC 8252 §7.3). Some CLIs use fixed ones, so only
 * one login on a host can have them at a time; the next one waits in line.
 */
export interface CallbackPorts {
  acquire(request: CallbackPortRequest): Promise<CallbackPortLease>;
}

export interface CallbackPortRequest {
  /** In the order of preference. */
  readonly ports: readonly number[];
  readonly path: string;
  /**
   * `forward`: listen on this host and hand each callback to `onCallback`.
   * `reserve`: the CLI itself listens on this host; only take the place in line.
   */
  readonly mode: 'forward' | 'reserve';
  readonly signal: AbortSignal;
  /** Called once when another login has the ports and this one has to wait. */
  onWait(): void;
  /** Resolves to whether the CLI took the callback. */
  onCallback(query: URLSearchParams): Promise<boolean>;
}

export interface CallbackPortLease {
  /** Ports of the request that something else on this host holds; the CLI must not choose them. */
  readonly occupied: readonly number[];
  release(): Promise<void>;
}
