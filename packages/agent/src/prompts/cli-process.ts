import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

import type { Clock } from '@sallyport/core';

import type { CliCommand } from '../cli/cli-command.ts';
import { endProcessGroup } from '../process-group.ts';
import { readOutput } from './output.ts';
import type { Output } from './output.ts';

export interface CliExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running CLI, in a process group that nothing else is in. */
export interface CliProcess {
  readonly pid: number;
  readonly input: Writable;
  readonly output: Output;
  readonly exited: Promise<CliExit>;
  /** Drops the rest of the output. A full pipe would keep the CLI from ending. */
  mute(): void;
  /** Ends it, with all it has started. Resolves when nothing of it runs any more. */
  end(): Promise<void>;
}

export interface CliStart extends CliCommand {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** How long a CLI gets to save its work after SIGTERM. */
const GRACE_MS = 2000;

/** Throws the error of spawn(2) where the program cannot be started. */
export async function startCliProcess({ file, argv, cwd, env }: CliStart, clock: Clock): Promise<CliProcess> {
  // In its own group, so that ending it ends the tools the CLI has started too.
  const child = spawn(file, argv, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  await once(child, 'spawn');
  const group = child.pid ?? 0;
  const exited = new Promise<CliExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // A CLI may end, or close its input, before it has read everything; its exit code tells more than EPIPE.
  child.stdin.on('error', () => {});
  let ending: Promise<void> | undefined;
  return {
    pid: group,
    input: child.stdin,
    output: readOutput(child.stdout, child.stderr),
    exited,
    mute: () => {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    // Asked once: a second SIGTERM tells many CLIs not to save anything any more.
    end: () => (ending ??= endProcessGroup(group, GRACE_MS, clock)),
  };
}
