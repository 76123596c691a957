/** The only egress of a machine, and whose address it shows. One is chosen per deployment. */
export interface Egress {
  readonly name: string;
  /** Opens the way for one machine. When it cannot, it throws: nothing ever leaves another way. */
  open(plan: NetworkPlan, options: EgressOptions): Promise<EgressRoute>;
  /**
   * Opens a way for a machine that is started ahead, before anybody is known to use it: it leads nowhere until it is
   * assigned. Absent: machines are never started ahead.
   */
  reserve?(machineId: string, options: { readonly signal: AbortSignal }): Promise<ReservedRoute>;
  /**
   * Asks what the way leads through, such as a proxy service, whether it lets users out: by a connection to port 443 of
   * this public host, on which nothing is said. Throws `EGRESS_FAILED`, which says what is wrong and what to do. Absent:
   * it leads through nothing that could be asked.
   */
  check?(host: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Gives up what all routes share. The server calls it once, after the last route was closed. */
  close?(): Promise<void>;
}

/** Which hosts a machine may reach, and as whom. Passed through `network.plan`, then clamped. */
export interface NetworkPlan {
  readonly machineId: string;
  readonly userId: string;
  readonly purpose: 'sign-in' | 'work';
  /** Exact host names, `*.name` for every name below, or `*` for all of the public internet. Port 443 only. */
  readonly hosts: readonly string[];
  /** The user's stable outgoing identity, allotted at user creation. */
  readonly identity: EgressIdentity;
}

export interface EgressIdentity {
  readonly userId: string;
  /** Upstream port of a port-per-user proxy service, from 10001. */
  readonly proxyPort?: number;
  /** The outgoing address, where it is known beforehand. */
  readonly address?: string;
}

export interface EgressOptions {
  readonly signal: AbortSignal;
  /** Called for each connection that was refused, so that the page can name the host. */
  onRefused?(host: string, reason: RefusalReason): void;
}

export interface EgressRoute {
  /** Unix socket of an HTTP proxy that understands CONNECT (RFC 9110 §9.3.6) and nothing else. */
  readonly socketPath: string;
  /** A certificate authority (PEM) the machine must trust in addition, for a deployment that inspects TLS. */
  readonly certificateAuthority?: string;
  /** The outgoing address, where it is known. */
  readonly address?: string;
  close(): Promise<void>;
}

/** A egress that belongs to nobody yet. Every connection is refused until it is assigned. */
export interface ReservedRoute extends EgressRoute {
  /** Gives it to one user, for good. The socket stays the one the machine already has. Throws the second time. */
  assign(plan: NetworkPlan, options: EgressOptions): Promise<EgressRoute>;
}

/** Whether a host name is on an allow-list. The name must already be lower-case without a trailing dot. */
export function isHostAllowed(host: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => {
    if (entry === ANY_HOST) return true;
    return entry.startsWith('*.') ? host.endsWith(entry.slice(1)) && host.length > entry.length - 1 : host === entry;
  });
}

/** The entry of a list of hosts that stands for every public host. */
export const ANY_HOST = '*';

/** Why a connection was not let out. */
export type RefusalReason = 'not-allowed' | 'not-public';
