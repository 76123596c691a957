import type { ProjectSettings, ToolPolicy } from '../contracts/prompt-event.ts';

/** What no plugin can exceed, whatever it returns from `machine.plan`, `network.plan` and `prompt.plan`. */
export interface Ceiling {
  readonly maxMemoryMb: number;
  readonly maxVcpus: number;
  readonly maxDiskMb: number;
  /** Hosts a machine may reach at most, or `provider`: those the plan came with (manifest and operator's additions). */
  readonly hosts: readonly string[] | 'provider';
  readonly maxTimeoutMs: number;
  /** The most a prompt's tools may do. */
  readonly tools: ToolPolicy;
  /** `use`: a prompt may have its CLI use the settings of a project in `~/work`. `ignore`: such a prompt is refused. */
  readonly projectSettings: ProjectSettings;
  readonly maxOutputBytes: number;
}

/** Used where the operator sets nothing. */
export const defaultCeiling: Ceiling = {
  maxMemoryMb: 4096,
  maxVcpus: 4,
  maxDiskMb: 16_384,
  hosts: 'provider',
  maxTimeoutMs: 60 * 60_000,
  tools: 'workspace',
  projectSettings: 'ignore',
  maxOutputBytes: 64 * 1024 * 1024,
};
