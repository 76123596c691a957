import { AGENT_MAX_RUNS, SallyportError } from '@sallyport/core';
import type { Clock, executeRequestSchema } from '@sallyport/core';

import { cliCommand } from '../cli/cli-command.ts';
import type { CliSurroundings } from '../cli/cli-environment.ts';
import type { PlaceConfig } from '../cli/cli-place.ts';
import { startCliProcess } from './cli-process.ts';
import { followRun } from './follow-run.ts';
import type { ExitEvent, SendExecuteEvent } from './follow-run.ts';
import { prepareStart } from './prepare-start.ts';
import { createResidentClis } from './resident-clis.ts';
import { runOnResident } from './resident-run.ts';

export type ExecuteCommand = ReturnType<typeof executeRequestSchema.parse>;

export interface PromptRunner {
  /** Gives a CLI a prompt, to its end. `exit` is the last event. Aborting the signal ends the CLI and all it started. */
  run(command: ExecuteCommand, send: SendExecuteEvent, signal: AbortSignal): Promise<void>;
  /** Throws when the run could not even begin: too many at once, or no such CLI. */
  check(command: ExecuteCommand): void;
  /** Ends the processes that wait for a prompt. Resolves when nothing of them runs any more. */
  endWaiting(): Promise<void>;
  /** Prompts under way. A process that waits for its next one is not counted. */
  readonly active: number;
  /** Cancels every run, and resolves when nothing of them runs any more, nor of the processes that wait. */
  close(): Promise<void>;
}

export interface PromptRunnerOptions {
  readonly boot: PlaceConfig;
  readonly surroundings: CliSurroundings;
  readonly clock: Clock;
  readonly mostRuns?: number;
}

export function createPromptRunner(options: PromptRunnerOptions): PromptRunner {
  const { boot, surroundings, clock, mostRuns = AGENT_MAX_RUNS } = options;
  const closing = new AbortController();
  const runs = new Set<Promise<void>>();
  const residents = createResidentClis(clock);

  const runToExit = async (
    command: ExecuteCommand,
    send: SendExecuteEvent,
    signal: AbortSignal,
  ): Promise<ExitEvent> => {
    const start = await prepareStart(command, boot, surroundings);
    const run = { command, send, clock, signal };
    await residents.endOthers(command.provider);
    try {
      if (command.resident && command.rpc) return (await runOnResident(residents, start, command.resident, run)).exit;
      // It may renew or end the login, which no other process may hold meanwhile.
      await residents.end(command.provider);
      return (await followRun(await startCliProcess(start, clock), run)).exit;
    } catch (error) {
      if (!isSpawnError(error)) throw error;
      const message = `The CLI could not be started: ${error.message}`;
      return { type: 'exit', code: null, signal: null, reason: 'spawn-failed', message };
    }
  };
  const run = async (command: ExecuteCommand, send: SendExecuteEvent, caller: AbortSignal): Promise<void> =>
    send(await runToExit(command, send, AbortSignal.any([caller, closing.signal])));
  return {
    get active() {
      return runs.size;
    },
    check: (command) => {
      cliCommand(boot.clis, command.provider, command.cli, command.argv);
      if (runs.size < mostRuns) return;
      throw new SallyportError('MACHINE_BUSY', `This machine runs ${runs.size} prompts already, which is its limit.`);
    },
    run: async (command, send, signal) => {
      const mine = run(command, send, signal);
      runs.add(mine);
      try {
        await mine;
      } finally {
        runs.delete(mine);
      }
    },
    endWaiting: () => residents.end(),
    close: async () => {
      closing.abort();
      await Promise.allSettled(runs);
      await residents.close();
    },
  };
}

function isSpawnError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn');
}
