import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { BootConfig, Clock, executeRequestSchema, ExecuteEvent } from '@sallyport/core';

import { cliCommand } from '../cli/cli-command.ts';
import { cliEnvironment } from '../cli/cli-environment.ts';
import type { CliSurroundings } from '../cli/cli-environment.ts';
import { resolveHomePath } from '../credentials/credential-file.ts';
import { writeSettings } from '../cli/settings.ts';
import { createLineSplitter } from './line-splitter.ts';
import type { Line } from './line-splitter.ts';
import { endProcessGroup } from '../process-group.ts';

export type ExecuteCommand = ReturnType<typeof executeRequestSchema.parse>;

/** Takes one event; resolves when the receiver has room for the next. */
export type SendExecuteEvent = (event: ExecuteEvent) => Promise<void>;

export interface PromptRunner {
  /** Runs a CLI to its end. `exit` is the last event. Aborting the signal ends the CLI and all it started. */
  run(command: ExecuteCommand, send: SendExecuteEvent, signal: AbortSignal): Promise<void>;
  /** Throws when the run could not even begin: too many at once, or no such CLI. */
  check(command: ExecuteCommand): void;
  readonly active: number;
  /** Cancels every run, and resolves when nothing of them runs any more. */
  close(): Promise<void>;
}

export interface PromptRunnerOptions {
  readonly boot: Pick<BootConfig, 'home' | 'clis'>;
  readonly surroundings: CliSurroundings;
  readonly clock: Clock;
  readonly mostRuns?: number;
}

type ExitEvent = Extract<ExecuteEvent, { type: 'exit' }>;
type Reason = ExitEvent['reason'];

const MOST_RUNS = 4;
const LONGEST_LINE = 1024 * 1024;
/** How long a CLI gets to save its work after SIGTERM. */
const GRACE_MS = 2000;
/** How long the output may stay open behind a CLI that has ended: something it started still holds it. */
const LINGER_MS = 500;

export function createPromptRunner(options: PromptRunnerOptions): PromptRunner {
  const { boot, surroundings, clock, mostRuns = MOST_RUNS } = options;
  const closing = new AbortController();
  const runs = new Set<Promise<void>>();

  const run = async (command: ExecuteCommand, send: SendExecuteEvent, signal: AbortSignal): Promise<void> => {
    const { file, argv } = cliCommand(boot.clis, command.provider, command.cli, command.argv);
    await writeSettings(boot.home, command.cli.settings);
    const cwd = resolveHomePath(boot.home, command.workingDirectory);
    await mkdir(cwd, { recursive: true });
    const env = cliEnvironment(surroundings, boot.home, command.cli.env, command.env);
    // A group of its own, so that ending it ends the tools the CLI has started too.
    const child = spawn(file, argv, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    await send(await follow(child, command, send, clock, AbortSignal.any([signal, closing.signal])));
  };
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
    close: async () => {
      closing.abort();
      await Promise.allSettled(runs);
    },
  };
}

async function follow(
  child: ChildProcessWithoutNullStreams,
  command: ExecuteCommand,
  send: SendExecuteEvent,
  clock: Clock,
  signal: AbortSignal,
): Promise<ExitEvent> {
  const failure = await once(child, 'spawn').then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (failure !== undefined) {
    return {
      type: 'exit',
      code: null,
      signal: null,
      reason: 'spawn-failed',
      message: `The CLI could not be started: ${failure}`,
    };
  }
  const group = child.pid ?? 0;
  const exit = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (code, by) => resolve([code, by]));
  });
  let reason: Reason = 'ended';
  const end = (why: Reason): void => {
    if (reason !== 'ended') return;
    reason = why;
    // Nobody wants the rest of the output, and a full pipe would keep the CLI from ending.
    child.stdout.destroy();
    child.stderr.destroy();
    void endProcessGroup(group, GRACE_MS, clock);
  };
  const cancel = (): void => end('cancelled');
  using deadline = clock.deadline(command.timeoutMs, () => 'timeout');
  deadline.signal.addEventListener('abort', () => end('timeout'), { once: true });
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });

  // A CLI may end, or close its input, before it has read everything; its exit code tells more than EPIPE.
  child.stdin.on('error', () => {});
  child.stdin.end(command.prompt);
  const output = createOutput(command.maxOutputBytes, send, () => end('output-limit'));
  const pumped = Promise.all([output.pump(child.stdout, 'stdout'), output.pump(child.stderr, 'stderr')]);
  try {
    const [code, by] = await exit;
    await output.drained(pumped, clock, async () => {
      await endProcessGroup(group, GRACE_MS, clock);
      child.stdout.destroy();
      child.stderr.destroy();
    });
    return { type: 'exit', code, signal: by, reason };
  } finally {
    signal.removeEventListener('abort', cancel);
    // Whatever the CLI left behind ends with it.
    await endProcessGroup(group, GRACE_MS, clock);
  }
}

/** Carries a child's output to the receiver, never faster than it takes it. */
function createOutput(limit: number, send: SendExecuteEvent, onLimit: () => void) {
  let bytes = 0;
  let sending = 0;
  let progress = 0;

  const deliver = async (event: ExecuteEvent): Promise<void> => {
    sending += 1;
    try {
      await send(event);
    } finally {
      sending -= 1;
      progress += 1;
    }
  };
  const deliverAll = async (type: 'stdout' | 'stderr', lines: readonly Line[]): Promise<void> => {
    for (const { text, dropped } of lines) {
      await deliver({ type, line: text });
      if (dropped > 0) await deliver({ type: 'stderr', line: `A line was cut: ${dropped} characters are left out.` });
    }
  };
  return {
    pump: async (source: Readable, type: 'stdout' | 'stderr'): Promise<void> => {
      const splitter = createLineSplitter(LONGEST_LINE);
      try {
        for await (const chunk of source as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          progress += 1;
          if (bytes > limit) {
            onLimit();
            return;
          }
          await deliverAll(type, splitter.push(chunk));
        }
        await deliverAll(type, splitter.end());
      } catch {
        // The stream was closed because the run is over; the exit event says why.
      }
    },
    /** Waits for the rest of the output. `giveUp` is called when nothing came for a while and nobody is reading. */
    drained: async (pumped: Promise<unknown>, clock: Clock, giveUp: () => Promise<void>): Promise<void> => {
      const over = new AbortController();
      void pumped.finally(() => over.abort());
      while (!over.signal.aborted) {
        const before = progress;
        await clock.sleep(LINGER_MS, over.signal).catch(() => {});
        if (!over.signal.aborted && sending === 0 && progress === before) await giveUp();
      }
    },
  };
}
