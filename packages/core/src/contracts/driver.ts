import type { Duplex } from 'node:stream';

import type { UseSpareRoom } from './spare-room.ts';
import type { PlacedFile } from './credential-files.ts';
import type { EgressRoute } from './egress.ts';
import type { Secret } from '../base/secret.ts';
import type { MachinePlan } from './plan.ts';

/**
 * Creates machines. A deployment uses one driver. Every method can be repeated safely, and every method that waits
 * takes a signal. Everything the driver creates carries a label, so that a later process can find and remove it.
 */
export interface MachineDriver {
  readonly name: string;
  readonly features: DriverFeatures;
  /** Creates the machine's disk and reserves its resources. Does not start the machine. */
  create(plan: MachinePlan, options: { readonly signal: AbortSignal }): Promise<Machine>;
  /** Lists everything on this host that this driver created, in this process or an earlier one. */
  list(): Promise<readonly MachineRef[]>;
  /** Takes over a machine after a crash. Returns `undefined` if nothing is left of it. */
  adopt(ref: MachineRef): Promise<Machine | undefined>;
  /**
   * Removes what this driver created on this host for any other machine: control groups, devices, addresses,
   * directories. Called at server start, which recovers from a crash, and every minute after that, once the machines themselves are
   * reconciled.
   * Must not touch a machine that the driver is creating at that moment, even if the list does not contain it yet,
   * nor anything without the driver's label. Idempotent. Returns what it removed, for the log.
   */
  reconcile?(machineIds: ReadonlySet<string>): Promise<readonly string[]>;
  /**
   * Called once, before the first machine, on a driver that starts machines on its own initiative. From then on the
   * driver starts those machines in spare room only. If no application calls it, the driver has the host to itself.
   */
  lendSpareRoom?(use: UseSpareRoom): void;
  /** Reports what this host has and what this driver is missing. */
  doctor(): Promise<readonly Check[]>;
  /**
   * Gives up what the driver holds in this process: sockets, network devices, background work. Called once, last, by the
   * owner of the driver, when none of its machines run. Machines and their disks stay, and so do those that hibernate.
   */
  close?(): Promise<void>;
}

export interface DriverFeatures {
  /** The machine can run a desktop, so the user can log in inside it. */
  readonly desktop: boolean;
  /** Why there is no desktop, and how to get one. Absent if there is one. */
  readonly desktopHint?: string;
  /**
   * How the user's own browser reaches the CLI's loopback callback port. `forwarded`: the server listens and relays;
   * `shared`: the CLI listens on this host itself; `none`: not at all.
   */
  readonly loopback: 'forwarded' | 'shared' | 'none';
  readonly hibernate: boolean;
  /** One sentence about the isolation. Printed at start and by `sallyport doctor`. */
  readonly isolation: string;
}

export interface MachineRef {
  readonly machineId: string;
  readonly role: string;
  readonly running: boolean;
  /** The machine is hibernating: it does not run, but its snapshot can be woken. */
  readonly hibernated?: boolean;
}

export interface StartOptions {
  /**
   * The plan for this start, for example with a newer agent or more CLIs. Absent: the plan the machine was created
   * with.
   */
  readonly plan?: MachinePlan;
  /** Raised at each create, wake and fork. Messages from an older epoch are dropped. */
  readonly epoch: number;
  /** Bearer token for the agent during this boot. */
  readonly token: Secret;
  /** The only egress of the machine. */
  readonly egress: EgressRoute;
  readonly signal: AbortSignal;
}

export interface Machine {
  readonly id: string;
  /** Boots the machine. Returns when the agent's channel accepts connections; the caller then polls `/health`. */
  start(options: StartOptions): Promise<void>;
  /** Opens a connection to a port of the machine. Only port 8080, the agent, is guaranteed to be reachable. */
  connect(port: number, options: { readonly signal: AbortSignal }): Promise<Duplex>;
  /** Resolves when the machine stops running, whatever the reason. Never rejects. */
  readonly exited: Promise<MachineExit>;
  /**
   * Shuts the machine down, and kills it at the deadline. Afterwards none of its processes run. A hibernating machine
   * loses its snapshot: its disk can be used again, and the next start is a cold boot.
   */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
  /** Stops the machine and deletes everything that belongs to it. */
  destroy(): Promise<void>;
  /** Saves the running machine's memory as a snapshot and ends the machine. If that fails, the machine is stopped. */
  readonly hibernate?: (options: { readonly signal: AbortSignal }) => Promise<void>;
  /**
   * Resumes from the snapshot with a new epoch, token and egress. A snapshot contains an identity, so the first
   * attempt uses it up even if it fails. Rejects if the plan, the driver or the host has changed since.
   */
  readonly wake?: (options: StartOptions) => Promise<void>;
  /** Works only while the machine is stopped and not hibernating. Never follows a link out of a home. */
  readonly disk: MachineDisk;
}

export interface MachineExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines of the console. The driver redacts the machine's token. */
  readonly console: string;
}

/**
 * The home directories on a machine's disk. In a CLI machine each provider has a separate home, and `~/` means that
 * home.
 */
export interface MachineDisk {
  /**
   * Reads files by home path and skips those that do not exist. Refuses links, devices, FIFOs and files over 256 KiB
   * with `MACHINE_DISK_UNSAFE` and the path in `details`: without a path, the error condemns the whole disk.
   */
  harvest(provider: string, paths: readonly string[]): Promise<readonly PlacedFile[]>;
  /** Writes files by temporary file and rename, owned by the machine's user, and reads them back. */
  inject(provider: string, files: readonly PlacedFile[]): Promise<void>;
  /**
   * Removes files by home path. It is not an error if one does not exist. A link is removed, never followed, also where
   * a directory should be. A directory in place of a file is moved aside under another name.
   */
  remove(provider: string, paths: readonly string[]): Promise<void>;
  /**
   * Deletes a provider's home with everything in it but `~/work`. Never follows a link. Absent: the driver can delete
   * single files only, and what else the CLI wrote stays until the machine is destroyed.
   */
  eraseHome?(provider: string): Promise<void>;
}

/** One result of `sallyport doctor`. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'missing' | 'degraded';
  /** What the check found. */
  readonly found: string;
  /** The command or setting that fixes the problem. Absent if there is none. */
  readonly fix?: string;
}
