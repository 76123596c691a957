import {
  hasToldPrompt,
  openRpcConnection,
  overdueRequest,
  receiveMessage,
  resumeRpcConnection,
} from '@sallyport/core/engine';
import { isRunOver } from '@sallyport/core/protocol';
import { matchText } from '@sallyport/core/provider';
import type { Clock } from '@sallyport/core';
import type { ResidentRun, RpcConnection, RpcOpening } from '@sallyport/core/engine';
import type { RpcRun } from '@sallyport/core/protocol';

import type { Conversations } from './conversations.ts';
import type { Talk } from './talk.ts';

export interface RpcTalkOptions {
  readonly run: RpcRun;
  readonly prompt: string;
  readonly clock: Clock;
  /** What an earlier run has settled with this process. */
  readonly opening?: RpcOpening | undefined;
  readonly conversations?: Conversations | undefined;
  /** What says that the prompt failed, in the message that completes the answer. */
  readonly failed?: ResidentRun['failed'] | undefined;
  readonly write: (line: string) => void;
  /** The prompt is about to be written. */
  readonly onPrompt: () => void;
  /** The answer is complete, or there will be none. Called once. */
  readonly onOver: () => void;
}

/** Talks to a CLI over JSON-RPC. Begins at once. The decisions are core's; this only writes. */
export function startRpcTalk(options: RpcTalkOptions): Talk {
  const { run, prompt, clock, opening, conversations, failed = [], write, onPrompt, onOver } = options;
  const started = clock.monotonic();
  const elapsed = (): number => clock.monotonic() - started;
  const values = { ...run.values, prompt };
  const first = opening ? resumeRpcConnection(run.steps, values, opening) : openRpcConnection(run.steps, values);
  let connection: RpcConnection = first.connection;
  let over = false;
  let hasFailed = false;
  let told = false;
  const send = (lines: readonly string[]): void => {
    if (!told && hasToldPrompt(connection)) {
      told = true;
      onPrompt();
    }
    lines.forEach(write);
  };
  send(first.send);
  return {
    receiveMessage: ({ text }) => {
      const turn = receiveMessage(connection, text, elapsed());
      if (!turn.message) return { type: 'stdout', line: text };
      if (conversations?.isOfEarlier(turn.message)) return undefined;
      connection = turn.connection;
      if (!over) {
        send(turn.send);
        over = isRunOver(run, turn);
        if (over) {
          const facts = turn.facts.join('\n');
          hasFailed = turn.refusal !== undefined || failed.some((matcher) => matchText(matcher, facts) !== undefined);
          onOver();
        }
      }
      return { type: 'rpc', message: { ...turn.message } };
    },
    overdue: () => (over ? undefined : overdueRequest(connection, elapsed())),
    get hasToldPrompt() {
      return told;
    },
    get isOver() {
      return over;
    },
    get isSettled() {
      return over && !hasFailed && Object.keys(connection.waiting).length === 0;
    },
    get replies() {
      return connection.replies;
    },
  };
}
