import type { CapacitySettings } from '../admission/capacity.ts';
import type { DiskSettings } from '../admission/disk-room.ts';
import type { QueueSettings } from '../contracts/work-queue.ts';
import { defaultCeiling } from '../hooks/ceiling.ts';
import type { Ceiling } from '../hooks/ceiling.ts';
import type { Limits } from './limits.ts';

/** What the operator decides. Every field has a default. */
export interface Settings {
  /** Which way to log in comes first. Default `desktop`. */
  readonly prefer: 'desktop' | 'least-intrusive';
  /** A CLI machine without prompts is stopped or hibernated after this. Default 5 minutes. */
  readonly idleMs: number;
  /**
   * How much later than that at most, as a part of it: machines that were last used at the same moment are not put to
   * rest at the same moment. Default 0.2.
   */
  readonly idleJitter: number;
  readonly bootTimeouts: BootTimeouts;
  /** How many machines are started at a time, and how many wait for it. */
  readonly queue: QueueSettings;
  /** What all machines of this host may take. Default: no limit; the server sets what the host has. */
  readonly capacity: CapacitySettings;
  /** How much of the disk stays free of machines. Counts where `readDiskSpace` is given. */
  readonly disk: DiskSettings;
  /** How long a running prompt may hold up a machine that has to be restarted. Default 30 s. */
  readonly drainMs: number;
  /** Longest prompt in bytes of UTF-8. Default 1 MiB. */
  readonly maxPromptBytes: number;
  /** What users may have under way at a time. */
  readonly limits: Limits;
  /** Hosts added to every sign-in, for instance a company's own identity provider. */
  readonly signInHosts: readonly string[];
  /** Hosts added to every CLI machine. */
  readonly workHosts: readonly string[];
  /** What no plugin can exceed. */
  readonly ceiling: Ceiling;
  /** How long logins and prompts are kept after they ended, with their events. Default 30 days; `Infinity` keeps them. */
  readonly historyMs: number;
  /** Memory of a browser machine with and without a desktop, in MiB, if the CLI does not need more. Default 1536 and 384. */
  readonly browserMemoryMb: { readonly desktop: number; readonly plain: number };
  readonly warmPool: WarmSettings;
  readonly keepAlive: KeepAliveSettings;
  /** What the user is shown in place of a sign-in link; only a demo with a fake internet sets it. */
  readonly presentUrl: (href: string) => string;
}

/** How long each phase of bringing a machine up may take. */
export interface BootTimeouts {
  /** Its disk and its egress are made. Default 60 s. */
  readonly createMs: number;
  /** A stopped machine's disk is read, and logins are written to it. Default 60 s. */
  readonly prepareMs: number;
  /** Its system boots, or goes on from its snapshot, until its agent takes connections. Default 3 minutes: an emulated processor is
   * that slow on a busy host. */
  readonly bootMs: number;
  /** Its agent answers. Default 60 s. */
  readonly readyMs: number;
  /** The screen of one that is made ahead, and its browser, are up. Default 5 minutes, which is what its agent gives them. */
  readonly desktopMs: number;
}

/** Browser machines that are started ahead, while a user looks at what can be connected. */
export interface WarmSettings {
  /** How many are ready at a time. Default 1; 0 starts none ahead. */
  readonly count: number;
  /** They are given up when nobody has looked for this long. Default 5 minutes. */
  readonly keepMs: number;
  /** The login that has just taken one needs the processor first. Default 5 s. */
  readonly refillDelayMs: number;
}

/** Logins that running CLI machines refresh before they end, where the provider has a command for it. */
export interface KeepAliveSettings {
  /** An access token is refreshed this long before it ends, at the latest. Default 20 minutes; 0 refreshes none. */
  readonly beforeMs: number;
  /** How long a login is left alone after it was tried. Default 10 minutes. */
  readonly retryMs: number;
  /** How many are refreshed at a time. Default 2. */
  readonly atOnce: number;
}

const GIB = 1024 ** 3;

export const defaultSettings: Settings = {
  prefer: 'desktop',
  idleMs: 5 * 60_000,
  idleJitter: 0.2,
  bootTimeouts: { createMs: 60_000, prepareMs: 60_000, bootMs: 3 * 60_000, readyMs: 60_000, desktopMs: 5 * 60_000 },
  queue: { atOnce: 8, maxWaiting: 100, waitMs: 2 * 60_000 },
  capacity: { memoryMb: Infinity, vcpus: Infinity, spareAfterMs: 60_000 },
  disk: { toStart: { share: 0.15, bytes: 10 * GIB }, toHibernate: { share: 0.08, bytes: 5 * GIB } },
  drainMs: 30_000,
  maxPromptBytes: 1024 * 1024,
  limits: { loginsPerUser: 8, logins: 500, waitingPrompts: 4, prompts: 2_000 },
  signInHosts: [],
  workHosts: [],
  ceiling: defaultCeiling,
  browserMemoryMb: { desktop: 1536, plain: 384 },
  warmPool: { count: 1, keepMs: 5 * 60_000, refillDelayMs: 5_000 },
  keepAlive: { beforeMs: 20 * 60_000, retryMs: 10 * 60_000, atOnce: 2 },
  historyMs: 30 * 24 * 60 * 60_000,
  presentUrl: (href) => href,
};
