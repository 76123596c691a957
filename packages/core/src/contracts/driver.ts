import type { Duplex } from 'node:stream';

import type { UseSpareRoom } from './spare-room.ts';
import type { PlacedFile } from './credential-files.ts';
import type { EgressRoute } from './egress.ts';
import type { Secret } from '../base/secret.ts';
import type { MachinePlan } from './plan.ts';

/**
 * Makes machines. One is chosen per deployment. Every method is safe to repeat; every one that waits takes
 * a signal; everything it makes carries a label, so that a later process can find and remove it.
 */
export interface MachineDriver {
  readonly name: string;
  readonly features: DriverFeatures;
  /** Makes the machine's disk and reserves what it needs. It does not run yet. */
  create(plan: MachinePlan, options: { readonly signal: AbortSignal }): Promise<Machine>;
  /** Everything on this host that this driver made, in this process or an earlier one. */
  list(): Promise<readonly MachineRef[]>;
  /** Takes a machine over after a crash. `undefined`: nothing is left of it. */
  adopt(ref: MachineRef): Promise<Machine | undefined>;
  /**
   * Takes away what it made on this host for machines other than these: control groups, devices, addresses, directories.
   * Called when a server starts and every minute after, once the machines themselves were put in order; a machine that
   * the driver is making at that moment may be missing from the list, and is left alone all the same. What does not
   * carry its label is not its own. Repeating it changes nothing. Returns what that was, for the log.
   */
  reconcile?(machineIds: ReadonlySet<string>): Promise<readonly string[]>;
  /**
   * Called once, before the first machine, on a driver that starts machines which nobody asked for and which are in no list:
   * from then on it does that in spare room only. Where no application calls it, the host is the driver's own.
   */
  lendSpareRoom?(use: UseSpareRoom): void;
  /** What this host has, and what is missing for this driver. */
  doctor(): Promise<readonly Check[]>;
}

export interface DriverFeatures {
  /** The machine can run a desktop, so the user can log in inside it. */
  readonly desktop: boolean;
  /** Why there is no desktop, with the fix. Absent if there is one. */
  readonly desktopHint?: string;
  /**
   * How the CLI's loopback callback port is reached from the user's own browser.
   * `forwarded`: the server listens for it and relays; `shared`: the CLI listens on this host itself;
   * `none`: not at all.
   */
  readonly loopback: 'forwarded' | 'shared' | 'none';
  readonly hibernate: boolean;
  /** One sentence about the isolation, printed at start and by `sallyport doctor`. */
  readonly isolation: string;
}

export interface MachineRef {
  readonly machineId: string;
  readonly role: string;
  readonly running: boolean;
  /** It does not run, and a snapshot of it can be woken. */
  readonly hibernated?: boolean;
}

export interface StartOptions {
  /** The plan as of this start: a newer agent, more CLIs. Absent: the plan the machine was made with. */
  readonly plan?: MachinePlan;
  /** Raised at each create, wake and fork. Messages of an older epoch are dropped. */
  readonly epoch: number;
  /** Bearer token of the agent for this boot. */
  readonly token: Secret;
  /** The only egress of the machine. */
  readonly egress: EgressRoute;
  readonly signal: AbortSignal;
}

export interface Machine {
  readonly id: string;
  /** Boots the machine. It returns when the agent's channel accepts connections; the caller asks `/health`. */
  start(options: StartOptions): Promise<void>;
  /** A new connection to a port of the machine. Only 8080, the agent, is guaranteed to be reachable. */
  connect(port: number, options: { readonly signal: AbortSignal }): Promise<Duplex>;
  /** Resolves when the machine stops running, whatever the reason. Never rejects. */
  readonly exited: Promise<MachineExit>;
  /**
   * Asks the machine to end, and ends it when the deadline passes. Afterwards nothing of it runs. One that hibernates
   * gives its snapshot up: its disk can be used again, and the next start is a cold one.
   */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
  /** Stops it and leaves no trace of it. */
  destroy(): Promise<void>;
  /** Keeps the running machine's memory as a snapshot and ends it. Where that fails, the machine is stopped. */
  readonly hibernate?: (options: { readonly signal: AbortSignal }) => Promise<void>;
  /**
   * Goes on from the snapshot, with a new epoch, token and egress. A snapshot holds an identity, so it is used up at
   * the first attempt, whatever comes of it. Rejects where the plan, the driver or the host changed meanwhile.
   */
  readonly wake?: (options: StartOptions) => Promise<void>;
  /** Works only while the machine is stopped and does not hibernate, and never follows a link out of a home. */
  readonly disk: MachineDisk;
}

export interface MachineExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines of the console, with the machine's token redacted by the driver. */
  readonly console: string;
}

/** The homes on a machine's disk. In a CLI machine each provider has a separate home, and `~/` means that home. */
export interface MachineDisk {
  /** Reads files by home path. A file that is absent is left out. Refuses links, devices, FIFOs and files over 256 KiB. */
  harvest(provider: string, paths: readonly string[]): Promise<readonly PlacedFile[]>;
  /** Writes files by temporary file and rename, owned by the machine, and reads them back. */
  inject(provider: string, files: readonly PlacedFile[]): Promise<void>;
  /** Removes files by home path; absent ones are not an error. */
  remove(provider: string, paths: readonly string[]): Promise<void>;
}

/** One thing `sallyport doctor` looked at. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'missing' | 'degraded';
  /** What was found. */
  readonly found: string;
  /** The command or setting that fixes it; absent when nothing is wrong. */
  readonly fix?: string;
}
