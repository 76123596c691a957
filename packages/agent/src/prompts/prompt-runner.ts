import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';

import { AGENT_MAX_RUNS, SallyportError } from '@sallyport/core';
import type { Clock, executeRequestSchema, ExecuteEvent, RpcRun } from '@sallyport/core';

import { cliCommand } from '../cli/cli-command.ts';
import { cliEnvironment } from '../cli/cli-environment.ts';
import type { CliSurroundings } from '../cli/cli-environment.ts';
import { cliPlace } from '../cli/cli-place.ts';
import type { PlaceConfig } from '../cli/cli-place.ts';
import { writeSettings } from '../cli/settings.ts';
import { endProcessGroup } from '../process-group.ts';
import { createOutput } from './output.ts';
import type { SendExecuteEvent } from './output.ts';
import { startRpcTalk } from './rpc-talk.ts';
import type { RpcTalk } from './rpc-talk.ts';

export type ExecuteCommand = ReturnType<typeof executeRequestSchema.parse>;

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
  readonly boot: PlaceConfig;
  readonly surroundings: CliSurroundings;
  readonly clock: Clock;
  readonly mostRuns?: number;
}

type ExitEvent = Extract<ExecuteEvent, { type: 'exit' }>;
type Reason = ExitEvent['reason'];

/** How long a CLI gets to save its work after SIGTERM. */
const GRACE_MS = 2000;
/** How long a CLI that speaks JSON-RPC may take to end once its input is closed. */
const LEAVE_MS = 5000;
/** How often it is looked whether a request is still without an answer. */
const LOOK_EVERY_MS = 1000;

export function createPromptRunner(options: PromptRunnerOptions): PromptRunner {
  const { boot, surroundings, clock, mostRuns = AGENT_MAX_RUNS } = options;
  const closing = new AbortController();
  const runs = new Set<Promise<void>>();

  const run = async (command: ExecuteCommand, send: SendExecuteEvent, signal: AbortSignal): Promise<void> => {
    const program = cliCommand(boot.clis, command.provider, command.cli, command.argv);
    const place = cliPlace(boot, command.provider);
    const { home } = place;
    await place.prepare();
    await writeSettings(home, command.cli.settings);
    const cwd = place.workDirectory(command.workingDirectory);
    await mkdir(cwd, { recursive: true });
    const env = cliEnvironment(surroundings, place.homeSeen(home), command.cli.env, command.env);
    const hiddenPaths = await place.hiddenPaths(cwd, command.cli.hiddenInWork);
    const { file, argv } = place.command(program, { home, cwd, opensLinks: false, hiddenPaths });
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
  let message: string | undefined;
  let ending: Promise<void> | undefined;
  // Asked once: a second SIGTERM tells many CLIs not to save anything any more.
  const endGroup = (): Promise<void> => (ending ??= endProcessGroup(group, GRACE_MS, clock));
  const end = (why: Reason, because?: string): void => {
    if (reason !== 'ended') return;
    reason = why;
    message = because;
    // Nobody wants the rest of the output, and a full pipe would keep the CLI from ending.
    child.stdout.destroy();
    child.stderr.destroy();
    void endGroup();
  };
  const cancel = (): void => end('cancelled');
  using deadline = clock.deadline(command.timeoutMs, () => 'timeout');
  deadline.signal.addEventListener('abort', () => end('timeout'), { once: true });
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });

  // A CLI may end, or close its input, before it has read everything; its exit code tells more than EPIPE.
  child.stdin.on('error', () => {});
  const over = new AbortController();
  const talk = command.rpc && converse(command.rpc);
  if (!talk) child.stdin.end(command.prompt);
  const output = createOutput({ limit: command.maxOutputBytes, send, onLimit: () => end('output-limit') });
  const pumped = Promise.all([
    output.pump(child.stdout, (line) => talk?.receiveMessage(line) ?? { type: 'stdout', line: line.text }),
    output.pump(child.stderr, (line) => ({ type: 'stderr', line: line.text })),
  ]);
  try {
    const [code, by] = await exit;
    await output.drained(pumped, clock, async () => {
      await endGroup();
      child.stdout.destroy();
      child.stderr.destroy();
    });
    return { type: 'exit', code, signal: by, reason, ...(message !== undefined && { message }) };
  } finally {
    over.abort();
    signal.removeEventListener('abort', cancel);
    // Whatever the CLI left behind ends with it.
    await endGroup();
  }

  function converse(rpc: RpcRun): RpcTalk {
    const started = startRpcTalk({
      run: rpc,
      prompt: command.prompt,
      clock,
      write: (line) => void child.stdin.write(line),
      onOver: () => {
        child.stdin.end();
        // It has said all that was wanted. One that stays all the same is ended.
        void clock.sleep(LEAVE_MS, over.signal).then(
          () => endGroup(),
          () => undefined,
        );
      },
    });
    void watchReplies(started).catch(() => {});
    return started;
  }

  /** Ends by the signal alone. */
  async function watchReplies(started: RpcTalk): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, over.signal);
      const late = started.overdue();
      if (late !== undefined) end('timeout', `The CLI did not answer the request ${late} in time and was ended.`);
    }
  }
}
