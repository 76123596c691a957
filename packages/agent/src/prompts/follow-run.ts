import type { Clock } from '@sallyport/core';
import type { RpcOpening } from '@sallyport/core/engine';
import type { ExecuteEvent } from '@sallyport/core/protocol';

import type { CliProcess } from './cli-process.ts';
import type { Conversations } from './conversations.ts';
import { startMessageTalk } from './message-talk.ts';
import type { MessageTalk } from './message-talk.ts';
import { startRpcTalk } from './rpc-talk.ts';
import type { Talk } from './talk.ts';
import type { ExecuteCommand } from './prompt-runner.ts';

/** Takes one event; resolves when the receiver has room for the next. */
export type SendExecuteEvent = (event: ExecuteEvent) => Promise<void>;

export type ExitEvent = Extract<ExecuteEvent, { type: 'exit' }>;
type Reason = ExitEvent['reason'];

/** How one prompt ended. */
export interface FinishedRun {
  readonly exit: ExitEvent;
  /** The process goes on. */
  readonly goesOn?: {
    /** What it has answered, by the ids of the steps. */
    readonly replies: RpcOpening['replies'];
    /** The one conversation that it has; `undefined` for a process that may have several. */
    readonly conversation: string | undefined;
    /** Lines that it had printed when the answer was complete. */
    readonly printed: number;
  };
  /** The process ended before it was told the prompt, without an answer, and nobody had asked it to. */
  readonly isUntold: boolean;
}

export interface RunOptions {
  readonly command: ExecuteCommand;
  readonly send: SendExecuteEvent;
  readonly clock: Clock;
  /** Aborts when the run is canceled. */
  readonly signal: AbortSignal;
  /** The process may go on after the prompt. Default: false. */
  readonly mayStay?: boolean;
  /** Of a process that may have several conversations, one after another. */
  readonly conversations?: Conversations | undefined;
  /** Of a process that has had a prompt before. */
  readonly opening?: RpcOpening | undefined;
  /** The CLI is about to be told the prompt, where it is told in messages. */
  readonly onPrompt?: () => void;
  /** A CLI that was told the prompt in a line of JSON prints its first line. */
  readonly onFirstLine?: () => void;
}

/** How long a CLI that speaks JSON-RPC may take to end once its input is closed. */
const LEAVE_MS = 5000;
/** How often to check for requests without an answer. */
const LOOK_EVERY_MS = 1000;

/** Gives a process one prompt, and carries what it prints to the receiver. The process has ended after it, or goes on. */
export async function followRun(cli: CliProcess, options: RunOptions): Promise<FinishedRun> {
  const { command, send, clock, signal, mayStay = false, conversations, opening, onPrompt, onFirstLine } = options;
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
  const settled = Promise.withResolvers<number>();
  const sending = new Set<Promise<void>>();
  const messages = command.messages && startMessages(command.messages);
  const talk = command.rpc ? converse(command.rpc) : messages;
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
      if (mayStay && talk?.isSettled && !cli.input.writableEnded) settled.resolve(cli.output.printed);
    },
  });
  try {
    const first = await Promise.race([cli.exited, settled.promise]);
    if (typeof first === 'number' && talk) {
      over.abort();
      await Promise.allSettled(sending);
      // Canceled, or out of time, while the receiver had no room, it is ending.
      if (reason === 'ended') {
        const goesOn = { replies: talk.replies, conversation: messages?.conversation, printed: first };
        return { exit: { type: 'exit', code: 0, signal: null, reason }, goesOn, isUntold: false };
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

  function startMessages(run: NonNullable<ExecuteCommand['messages']>): MessageTalk {
    const started: MessageTalk = startMessageTalk({
      run,
      prompt: command.prompt,
      write: (line) => void cli.input.write(line),
      onPrompt: () => onPrompt?.(),
      onFirstLine: () => onFirstLine?.(),
      // It ends once nothing that it has started in itself is under way, which may take its time.
      onOver: () => {
        if (!mayStay || !started.isSettled) cli.input.end();
      },
    });
    return started;
  }

  function converse(run: NonNullable<ExecuteCommand['rpc']>): Talk {
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
        if (mayStay && started.isSettled) return;
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
  async function watchReplies(started: Talk): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, over.signal);
      const late = started.overdue();
      if (late !== undefined) end('timeout', `The CLI did not answer the request ${late} in time and was ended.`);
    }
  }
}
