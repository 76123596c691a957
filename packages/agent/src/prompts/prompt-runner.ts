import { SallyportError } from '@sallyport/core';
import { AGENT_MAX_RUNS } from '@sallyport/core/protocol';
import type { Clock } from '@sallyport/core';
import type { executeRequestSchema, startAheadRequestSchema } from '@sallyport/core/protocol';

import type { CliSurroundings } from '../cli/cli-environment.ts';
import type { PlaceConfig } from '../cli/cli-place.ts';
import { startCliProcess } from './cli-process.ts';
import { followRun } from './follow-run.ts';
import type { ExitEvent, SendExecuteEvent } from './follow-run.ts';
import { prepareStart } from './prepare-start.ts';
import type { PreparedStart } from './prepare-start.ts';
import { createResidentClis } from './resident-clis.ts';
import { residentOf, runOnResident, startAhead } from './resident-run.ts';
import { createSideBySide } from './side-by-side.ts';

export type ExecuteCommand = ReturnType<typeof executeRequestSchema.parse>;

/** How a CLI is run, whatever the prompt. */
export type CliRun = ReturnType<typeof startAheadRequestSchema.parse>;

export interface PromptRunner {
  /**
   * Gets everything ready for a prompt. Throws where its CLI cannot be started, and `MACHINE_BUSY` where it has to wait:
   * too many run, or one that it may not run beside.
   */
  prepare(command: ExecuteCommand): Promise<PreparedPrompt>;
  /**
   * Lets a process wait for such a prompt. Does nothing while a prompt runs, which may need all the memory, and for a CLI
   * whose process takes one prompt only. Throws as `prepare` does.
   */
  startAhead(run: CliRun): Promise<void>;
  /** Ends the processes that wait for a prompt. Resolves when nothing of them runs any more. */
  endWaiting(): Promise<void>;
  /** Prompts that are prepared or under way. A process that waits for its next one is not counted. */
  readonly active: number;
  /** Cancels every run, and resolves when nothing of them runs any more, nor of the processes that wait. */
  close(): Promise<void>;
}

/** Has its place until it is disposed of. */
export interface PreparedPrompt extends Disposable {
  /** Gives the CLI the prompt, to its end. `exit` is the last event. Aborting the signal ends the CLI and all it started. */
  run(send: SendExecuteEvent, signal: AbortSignal): Promise<void>;
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
  const places = new Set<symbol>();
  const residents = createResidentClis(clock);
  const sideBySide = createSideBySide();

  const runToExit = async (
    start: PreparedStart,
    command: ExecuteCommand,
    send: SendExecuteEvent,
    signal: AbortSignal,
  ): Promise<ExitEvent> => {
    const run = { command, send, clock, signal };
    try {
      const limits = residentOf(command);
      if (limits) return (await runOnResident(residents, start, limits, run)).exit;
      // It may renew or end the login, which no other process may hold meanwhile.
      await residents.end(command.provider);
      return (await followRun(await startCliProcess(start, clock), run)).exit;
    } catch (error) {
      if (!isSpawnError(error)) throw error;
      const message = `The CLI could not be started: ${error.message}`;
      return { type: 'exit', code: null, signal: null, reason: 'spawn-failed', message };
    }
  };

  const run = async (start: PreparedStart, command: ExecuteCommand, send: SendExecuteEvent, caller: AbortSignal) => {
    const mine = runToExit(start, command, send, AbortSignal.any([caller, closing.signal])).then(send);
    runs.add(mine);
    try {
      await mine;
    } finally {
      runs.delete(mine);
    }
  };

  const enter = (cli: CliRun) =>
    sideBySide.enter(cli.provider, async (mayPin) => {
      await residents.endOthers(cli.provider);
      return prepareStart(cli, boot, surroundings, mayPin);
    });

  const prepare = async (command: ExecuteCommand, leave: () => void): Promise<PreparedPrompt> => {
    const start = await enter(command);
    return {
      run: (send, signal) => run(start, command, send, signal),
      [Symbol.dispose]: () => {
        start[Symbol.dispose]();
        leave();
      },
    };
  };

  return {
    get active() {
      return places.size;
    },
    prepare: async (command) => {
      if (places.size >= mostRuns)
        throw new SallyportError(
          'MACHINE_BUSY',
          `This machine runs ${places.size} prompts already, which is its limit.`,
        );
      const place = Symbol(command.runId);
      const leave = (): void => void places.delete(place);
      places.add(place);
      try {
        return await prepare(command, leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
    startAhead: async (cli) => {
      if (places.size > 0 || !residentOf(cli)) return;
      using start = await enter(cli);
      await startAhead(residents, start, cli, clock);
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
