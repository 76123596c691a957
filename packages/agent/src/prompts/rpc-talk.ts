import { openRpcConnection, receiveMessage, isRunOver, overdueRequest } from '@sallyport/core';
import type { Clock, RpcConnection, ExecuteEvent, RpcRun } from '@sallyport/core';

import type { Line } from '../lines/line-splitter.ts';

/** Tells a CLI over JSON-RPC what to do, and hears what it answers. */
export interface RpcTalk {
  /** Takes a line of the CLI's output; says what to tell the receiver of the run. */
  receiveMessage(line: Line): ExecuteEvent;
  /** The method of a request that was not answered in its time. */
  overdue(): string | undefined;
}

export interface RpcTalkOptions {
  readonly run: RpcRun;
  readonly prompt: string;
  readonly clock: Clock;
  readonly write: (line: string) => void;
  /** The answer is complete, or there will be none. Called once. */
  readonly onOver: () => void;
}

/** Begins at once. The decisions are core's; this only writes. */
export function startRpcTalk({ run, prompt, clock, write, onOver }: RpcTalkOptions): RpcTalk {
  const started = clock.monotonic();
  const elapsed = (): number => clock.monotonic() - started;
  const first = openRpcConnection(run.steps, { ...run.values, prompt });
  let connection: RpcConnection = first.connection;
  let over = false;
  first.send.forEach(write);
  return {
    receiveMessage: ({ text }) => {
      const turn = receiveMessage(connection, text, elapsed());
      if (!turn.message) return { type: 'stdout', line: text };
      connection = turn.connection;
      if (!over) {
        turn.send.forEach(write);
        over = isRunOver(run, turn);
        if (over) onOver();
      }
      return { type: 'rpc', message: { ...turn.message } };
    },
    overdue: () => (over ? undefined : overdueRequest(connection, elapsed())),
  };
}
