import type { BootConfig, MachinePlan, StartOptions } from '@sallyport/core/driver';

import type { Limiter } from '../host/limits/limiter.ts';
import type { CommandLine } from './bubblewrap.ts';
import type { Isolation } from './isolation.ts';
import type { MachineLayout } from './layout.ts';

/** Everything needed to spawn a machine's agent. */
export interface Launch {
  readonly command: CommandLine;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** User to switch to at spawn; absent under bubblewrap, where the command switches. */
  readonly spawnAs: number | undefined;
  /** Present if the command is bubblewrap: reports the first process at one descriptor, reads the filter at another. */
  readonly sandbox?: { readonly filter: Buffer | undefined };
  readonly boot: BootConfig;
  /** Short host path of the run directory, used to connect to sockets. */
  readonly runPath: string;
  readonly shortcut: string | undefined;
}

export interface LaunchRequest {
  readonly layout: MachineLayout;
  readonly plan: MachinePlan;
  readonly isolation: Isolation;
  readonly uid: number | undefined;
  readonly options: StartOptions;
  readonly limiter: Limiter;
  /** Processes and threads that the machine may have. */
  readonly maxProcesses: number;
}

/** What depends on the isolation. */
export type IsolatedLaunch = Omit<Launch, 'runPath' | 'shortcut'>;
