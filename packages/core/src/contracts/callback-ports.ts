/**
 * Reserves the loopback ports that receive sign-in callbacks (RFC 8252 §7.3). Some CLIs use fixed ports, so only one
 * login per host can use them at a time. Other logins queue.
 */
export interface CallbackPorts {
  acquire(request: CallbackPortRequest): Promise<CallbackPortLease>;
}

export interface CallbackPortRequest {
  /** In order of preference. */
  readonly ports: readonly number[];
  readonly path: string;
  /**
   * `forward`: listen on this host and pass each callback to `onCallback`. `reserve`: the CLI itself listens on this
   * host, so only keep other logins out.
   */
  readonly mode: 'forward' | 'reserve';
  readonly signal: AbortSignal;
  /** Called once if another login has the ports and this one has to wait. */
  onWait(): void;
  /** Resolves to whether the CLI accepted the callback. */
  onCallback(query: URLSearchParams): Promise<boolean>;
}

export interface CallbackPortLease {
  /** Requested ports that another program on this host holds. The CLI must not choose them. */
  readonly occupied: readonly number[];
  release(): Promise<void>;
}
