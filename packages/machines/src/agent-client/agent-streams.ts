import { SallyportError } from '@sallyport/core';
import { tryParseJson } from '@sallyport/core/driver';
import { agentEventSchema, executeEventSchema } from '@sallyport/core/protocol';
import type { Clock } from '@sallyport/core';
import type { AgentEvent, ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';

import { toUnreachable } from './agent-problem.ts';
import { openResponse } from './agent-request.ts';
import type { AgentRequest, AgentTarget } from './agent-request.ts';
import { readServerSentEvents } from './server-sent-events.ts';
import type { ServerSentEvent } from './server-sent-events.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;

/**
 * Every event of this boot, in order and once each. A lost connection is taken up again behind the last
 * event seen, until the machine ends.
 */
export async function* followEvents(
  target: AgentTarget,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<AgentEvent> {
  const ended = new AbortController();
  void target.machine.exited.then(() => ended.abort());
  const either = AbortSignal.any([signal, ended.signal]);
  let lastId = '';
  let retryMs = FIRST_RETRY_MS;
  while (!ended.signal.aborted) {
    try {
      for await (const event of openEvents(target, eventsRequest(lastId), either)) {
        yield parseEvent(event, agentEventSchema.safeParse.bind(agentEventSchema));
        lastId = event.id;
        retryMs = FIRST_RETRY_MS;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (ended.signal.aborted) {
        return;
      }
      if (!SallyportError.isInstance(error) || error.code !== 'AGENT_UNREACHABLE') {
        throw error;
      }
    }
    // The agent may be gone for a moment, and the machine's end may be a moment away.
    await clock.sleep(retryMs, either).catch(() => signal.throwIfAborted());
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }
}

/** The lines of one run of a CLI. Ends after `exit`; leaving the loop early ends the run. */
export async function* runCli(
  target: AgentTarget,
  request: ExecuteRequest,
  signal: AbortSignal,
): AsyncGenerator<ExecuteEvent> {
  for await (const event of openEvents(target, { method: 'POST', path: '/execute', body: request }, signal)) {
    const parsed = parseEvent(event, executeEventSchema.safeParse.bind(executeEventSchema));
    yield parsed;
    if (parsed.type === 'exit') {
      return;
    }
  }
  throw new SallyportError('AGENT_UNREACHABLE', 'The connection to the agent ended in the middle of a run.');
}

function eventsRequest(lastId: string): AgentRequest {
  return { method: 'GET', path: '/events', headers: lastId === '' ? {} : { 'last-event-id': lastId } };
}

async function* openEvents(
  target: AgentTarget,
  request: AgentRequest,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const response = await openResponse(target, request, signal);
  try {
    yield* readServerSentEvents(response);
  } catch (error) {
    throw signal.aborted ? signal.reason : toUnreachable(`${request.method} ${request.path}`, error);
  } finally {
    response.destroy();
  }
}

function parseEvent<T>(
  event: ServerSentEvent,
  parse: (value: unknown) => {
    readonly success: boolean;
    readonly data?: T | undefined;
    readonly error?: Error | undefined;
  },
): T {
  const result = parse(tryParseJson(event.data));
  if (!result.success || result.data === undefined) {
    throw new SallyportError('AGENT_REFUSED', `The agent sent an event that is not in the protocol (id ${event.id}).`, {
      // The event itself may hold a credential: only the path and rule that failed are kept.
      cause: result.error,
    });
  }
  return result.data;
}
