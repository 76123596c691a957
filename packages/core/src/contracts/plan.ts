import type { LoginDisplay } from '../protocol/agent-api.ts';

export type MachineRole = 'browser' | 'cli';

/** Describes a machine before it exists. Passed through `machine.plan`. */
export interface MachinePlan {
  /** Chosen by core: `m-` and 20 lower-case base32 characters. Hooks cannot change it. */
  readonly machineId: string;
  readonly userId: string;
  readonly role: MachineRole;
  readonly memoryMb: number;
  readonly vcpus: number;
  readonly diskMb: number;
  /** Names the golden image; drivers without images ignore it. */
  readonly image?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Screen of the desktop. Absent if the machine needs none. */
  readonly desktop?: { readonly width: number; readonly height: number };
  readonly agent: AgentBundle;
  /** The CLIs this machine can run: directories on the host, read-only in the machine. */
  readonly clis: readonly { readonly provider: string; readonly directory: string }[];
}

/** The agent's program on this host, chosen by the composition root. */
export interface AgentBundle {
  /** Directory that the machine sees read-only. */
  readonly directory: string;
  /** Program file in that directory, such as `main.js`. */
  readonly entry: string;
  readonly nodeArgs: readonly string[];
  /** The Node executable that runs it. */
  readonly node: string;
}

/** A machine as plugins see it: facts, never a handle. */
export interface MachineView {
  readonly machineId: string;
  readonly userId: string;
  readonly role: MachineRole;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: MachineState;
}

/** How a machine came up: booted, assigned after it had been booted ahead, or woken from its snapshot. */
export interface MachineStart {
  readonly how: 'cold' | 'warm' | 'wake';
  readonly ms: number;
}

/** `vms.status`. An intent state (`creating`, `stopping`) is written before the action. */
export type MachineState = 'creating' | 'running' | 'stopping' | 'stopped' | 'hibernated' | 'lost' | 'destroyed';

export type { LoginDisplay };
