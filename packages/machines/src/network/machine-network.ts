import type { Duplex } from 'node:stream';

import type { Check } from '@sallyport/core/driver';

/**
 * Wires the virtual machines of one driver: an address each, one egress, and a way in that only the server has. No machine
 * reaches another, the host, or anything else.
 */
export interface MachineNetwork {
  readonly name: string;
  /** One sentence, part of what the driver says of its isolation. */
  readonly isolation: string;
  /** Gives a machine its place. Repeated for a machine that has one, it is the same place with the new egress. */
  attach(machineId: string, options: AttachOptions): Promise<NetworkAttachment>;
  /** Gives the place of a machine up, whichever server gave it. One that has none is not an error. */
  detach(machineId: string): Promise<void>;
  /** Everything of this host that belongs to a machine not in `machineIds` is taken away; returns what that was. */
  reconcile(machineIds: ReadonlySet<string>): Promise<readonly string[]>;
  doctor(): Promise<readonly Check[]>;
  /** Ends what all places share. The driver calls it once, when no machine runs. */
  close(): Promise<void>;
}

export interface AttachOptions {
  /** Unix socket of the machine's egress proxy, {@link import('@sallyport/core/egress').EgressRoute.socketPath}. */
  readonly egressSocket: string;
  /** User that opens the TAP device, if there is one and the monitor does not open it as root. */
  readonly owner?: number;
  readonly signal: AbortSignal;
}

/** Where one machine is on its network. */
export interface NetworkAttachment {
  /** IPv4, and what else the guest kernel's `ip=` wants. */
  readonly address: string;
  readonly netmask: string;
  readonly gateway: string;
  /** Locally administered, six bytes in hexadecimal with colons. */
  readonly mac: string;
  /** Where the guest finds its egress proxy. */
  readonly egress: { readonly host: string; readonly port: number };
  /** TAP device, where the network has one; a virtual machine monitor opens it by name. */
  readonly tap?: string;
  /** Network namespace with that device, as a file; a monitor that enters it by itself is told so. */
  readonly namespace?: string;
  /** QEMU's `-netdev` without `id=`. */
  readonly netdev: string;
  /**
   * Whether the monitor starts a program for each connection of the guest. QEMU's `-sandbox` can have neither
   * `spawn=deny` nor `elevateprivileges=deny` then, which forbids setsid(2) as well.
   */
  readonly needsSpawn: boolean;
  /** Words before the monitor's command line that put it where its devices are. May be empty. */
  readonly enter: readonly string[];
  /** A new TCP connection to a port of the guest. */
  connect(port: number, options: { readonly signal: AbortSignal }): Promise<Duplex>;
  /** Gives the place up. Its address is not given to another machine for a while. */
  detach(): Promise<void>;
}
