import type { Clock, ExecuteEvent, RpcOpening } from '@sallyport/core';

import type { CliProcess } from './cli-process.ts';
import type { Conversations } from './conversations.ts';
import { startRpcTalk } from './rpc-talk.ts';
import type { RpcTalk } from './rpc-talk.ts';
import type { ExecuteCommand } from './prompt-runner.ts';

/** Takes one event; resolves when the receiver has room for the next. */
export type SendExecuteEvent = (event: ExecuteEvent) => Promise<void>;

export type ExitEvent = Extract<ExecuteEvent, { type: 'exit' }>;
type Reason = ExitEvent['reason'];

/** How one prompt ended. */
export interface FinishedRun {
  readonly exit: ExitEvent;
  /** The process goes on: what it has answered, by the ids of the steps. */
  readonly replies?: RpcOpening['replies'];
  /** The process ended before it was told the prompt, without an answer, and nobody had asked it to. */
  readonly isUntold: boolean;
}

export interface RunOptions {
  readonly command: ExecuteCommand;
  readonly send: SendExecuteEvent;
  readonly clock: Clock;
  /** Aborts when the run is canceled. */
  readonly signal: AbortSignal;
  /** Of a process that may go on after the prompt. */
  readonly conversations?: Conversations | undefined;
  /** Of a process that has had a prompt before. */
  readonly opening?: RpcOpening | undefined;
  /** The CLI is about to be told the prompt over JSON-RPC. */
  readonly onPrompt?: () => void;
}

/** How long a CLI that speaks JSON-RPC may take to end once its input is closed. */
const LEAVE_MS = 5000;
/** How often to check for requests without an answer. */
const LOOK_EVERY_MS = 1000;

/** Gives a process one prompt, and carries what it prints to the receiver. The process has ended after it, or goes on. */
export async function followRun(cli: CliProcess, options: RunOptions): Promise<FinishedRun> {
  const { command, send, clock, signal, conversations, opening, onPrompt } = options;
  let reason: Reason = 'ended';
  let message: string | undefined;
  const end = (why: Reason, because?: string): void => {
    if (reason !== 'ended') return;
    reason = why;
    message = because;
    cli.mute();
    void cli.end();
  };
  const cancel = (): void => end('cancelled');
  using deadline = clock.deadline(command.timeoutMs, () => 'timeout');
  deadline.signal.addEventListener('abort', () => end('timeout'), { once: true });
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });

  const over = new AbortController();
  const settled = Promise.withResolvers<'settled'>();
  const sending = new Set<Promise<void>>();
  const talk = command.rpc && converse(command.rpc);
  if (!talk) cli.input.end(command.prompt);
  cli.output.receive({
    limit: command.maxOutputBytes,
    onLimit: () => end('output-limit'),
    take: async (from, line) => {
      if (over.signal.aborted) return;
      const { text, dropped } = line;
      const event = from === 'stdout' && talk ? talk.receiveMessage(line) : { type: from, line: text };
      if (!event) return;
      const sent = send({ ...event, ...(dropped > 0 && { dropped }) });
      sending.add(sent);
      await sent.finally(() => sending.delete(sent));
      // One whose input was closed before its last reply came ends by itself.
      if (conversations && talk?.isSettled && !cli.input.writableEnded) settled.resolve('settled');
    },
  });
  try {
    const first = await Promise.race([cli.exited, settled.promise]);
    if (first === 'settled' && talk) {
      over.abort();
      await Promise.allSettled(sending);
      // Canceled, or out of time, while the receiver had no room, it is ending.
      if (reason === 'ended') {
        return { exit: { type: 'exit', code: 0, signal: null, reason }, replies: talk.replies, isUntold: false };
      }
    }
    const exit = await cli.exited;
    await cli.output.drained(clock, async () => {
      await cli.end();
      cli.mute();
    });
    // Whatever the CLI left behind ends with it.
    await cli.end();
    return {
      exit: { type: 'exit', ...exit, reason, ...(message !== undefined && { message }) },
      // A refusal is an answer, which the receiver has.
      isUntold: reason === 'ended' && talk?.hasToldPrompt === false && !talk.isOver,
    };
  } finally {
    over.abort();
    signal.removeEventListener('abort', cancel);
  }

  function converse(run: NonNullable<ExecuteCommand['rpc']>): RpcTalk {
    const started = startRpcTalk({
      run,
      prompt: command.prompt,
      clock,
      opening,
      conversations,
      failed: command.resident?.failed,
      write: (line) => void cli.input.write(line),
      onPrompt: () => onPrompt?.(),
      onOver: () => {
        if (conversations && started.isSettled) return;
        cli.input.end();
        // It has said all that was wanted. One that stays all the same is ended.
        void clock.sleep(LEAVE_MS, over.signal).then(
          () => cli.end(),
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
