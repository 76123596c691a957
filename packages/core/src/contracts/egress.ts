/** The only egress of a machine, and the address it appears to come from. A deployment uses one. */
export interface Egress {
  readonly name: string;
  /** Whether it needs a different port for each user, as {@link EgressIdentity.proxyPort}. Default: false. */
  readonly needsProxyPort?: boolean;
  /** Opens the egress of one machine. Throws on failure: there is no fallback to another route. */
  open(plan: NetworkPlan, options: EgressOptions): Promise<EgressRoute>;
  /**
   * Opens an egress for a prewarmed machine, before its user is known. It refuses every connection until it is
   * assigned. Absent: machines are never prewarmed.
   */
  reserve?(machineId: string, options: { readonly signal: AbortSignal }): Promise<ReservedRoute>;
  /**
   * Checks whether the upstream, such as a proxy service, accepts users: connects to port 443 of this public host and
   * sends nothing. Throws `EGRESS_FAILED` with the problem and a fix. Absent: there is no upstream to check.
   */
  check?(host: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Releases what all routes share. The server calls it once, after closing the last route. */
  close?(): Promise<void>;
}

/** Which hosts a machine may reach, and as which user. Passed through `network.plan`, then clamped. */
export interface NetworkPlan {
  readonly machineId: string;
  readonly userId: string;
  readonly purpose: 'sign-in' | 'work';
  /** Exact host names, `*.name` for every name below, or `*` for the whole public internet. Port 443 only. */
  readonly hosts: readonly string[];
  /** The user's stable outgoing identity. */
  readonly identity: EgressIdentity;
}

export interface EgressIdentity {
  readonly userId: string;
  /** Upstream port of a port-per-user proxy service, from 10001. Only if the egress asks for it: {@link Egress.needsProxyPort}. */
  readonly proxyPort?: number;
  /** The outgoing address, if it is known in advance. */
  readonly address?: string;
}

export interface EgressOptions {
  readonly signal: AbortSignal;
  /**
   * Called for each connection that a machine was refused, so that the page can name the host. `problem` is for the
   * operator: the cause and the setting to change, in sentences. It may name addresses and proxies, but no secret.
   */
  onRefused?(host: string, reason: RefusalReason, problem?: string): void;
}

export interface EgressRoute {
  /** Unix socket of an HTTP proxy that supports CONNECT (RFC 9110 §9.3.6) and nothing else. */
  readonly socketPath: string;
  /** An additional certificate authority (PEM) for the machine to trust, for deployments that inspect TLS. */
  readonly certificateAuthority?: string;
  /** The outgoing address, if it is known. */
  readonly address?: string;
  close(): Promise<void>;
}

/** An egress that is not assigned to a user yet. It refuses every connection until then. */
export interface ReservedRoute extends EgressRoute {
  /** Assigns the egress to a user permanently. The machine keeps using the same socket. Throws if called again. */
  assign(plan: NetworkPlan, options: EgressOptions): Promise<EgressRoute>;
}

/** Whether an allow-list contains a host name. The name must already be lower-case without a trailing dot. */
export function isHostAllowed(host: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => {
    if (entry === ANY_HOST) return true;
    return entry.startsWith('*.') ? host.endsWith(entry.slice(1)) && host.length > entry.length - 1 : host === entry;
  });
}

/** The allow-list entry that matches every public host. */
export const ANY_HOST = '*';

/** Why a connection was refused. */
export type RefusalReason =
  /** The host is not on the allow-list. */
  | 'not-allowed'
  /** Its name resolves to an address that is not on the public internet. */
  | 'not-public'
  /** Its name does not resolve. */
  | 'not-found'
  /** The upstream proxy cannot be reached, or refuses. */
  | 'upstream'
  /** The host does not answer. */
  | 'unreachable';
