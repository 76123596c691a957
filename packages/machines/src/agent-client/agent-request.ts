import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { AGENT_PORT } from '@sallyport/core/driver';
import type { Secret } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';

import { toAgentError, toUnreachable } from './agent-problem.ts';

export interface AgentRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** What every request needs: the way to the machine and the token of this boot. */
export interface AgentTarget {
  readonly machine: Pick<Machine, 'connect' | 'exited'>;
  readonly token: Secret;
}

/** An answer of 2 MiB of credential text doubles at most when JSON escapes it. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_PROBLEM_BYTES = 64 * 1024;

/** Sends a request and reads the whole answer. Rejects for anything that is not 2xx. */
export async function requestText(target: AgentTarget, request: AgentRequest, signal: AbortSignal): Promise<string> {
  const response = await openResponse(target, request, signal);
  return readText(response, MAX_ANSWER_BYTES, describe(request), signal);
}

/** Sends a request and hands over a 2xx answer as a stream; the caller destroys it. */
export async function openResponse(
  target: AgentTarget,
  request: AgentRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const what = describe(request);
  const { outgoing } = await prepare(target, request, signal);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', (cause) => reject(signal.aborted ? signal.reason : toUnreachable(what, cause)));
    outgoing.end(request.body === undefined ? undefined : JSON.stringify(request.body));
  });
  // Later errors arrive on the response as well; without this listener they would end the process.
  outgoing.on('error', () => {});
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    return response;
  }
  throw toAgentError(what, status, await readText(response, MAX_PROBLEM_BYTES, what, signal));
}

/** A request on a new connection, not yet sent. */
export async function prepare(
  target: AgentTarget,
  request: AgentRequest,
  signal: AbortSignal,
): Promise<{ readonly outgoing: ClientRequest; readonly connection: Duplex }> {
  signal.throwIfAborted();
  const connection = await target.machine.connect(AGENT_PORT, { signal }).catch((cause: unknown) => {
    throw signal.aborted ? signal.reason : toUnreachable(describe(request), cause);
  });
  const outgoing = httpRequest({
    createConnection: () => connection,
    method: request.method,
    path: request.path,
    signal,
    maxHeaderSize: 16 * 1024,
    headers: {
      host: 'agent',
      authorization: `Bearer ${target.token.reveal()}`,
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
      ...request.headers,
    },
  });
  return { outgoing, connection };
}

function describe(request: AgentRequest): string {
  // The query of a callback holds the sign-in code.
  return `${request.method} ${request.path.replace(/\?.*$/s, '')}`;
}

async function readText(response: IncomingMessage, limit: number, what: string, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) {
        throw toAgentError(what, response.statusCode ?? 0, JSON.stringify(tooLarge(limit)));
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : toUnreachable(what, error);
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(limit: number): { code: string; message: string } {
  return { code: 'ANSWER_TOO_LARGE', message: `the answer is larger than ${limit} bytes` };
}
