import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { Clock } from '@sallyport/core';

import { watchRefusal } from './answer-body.ts';
import type { NetworkFaults } from './network-faults.ts';
import { readRequestBody, UnreadableBody } from './request-body.ts';
import type { RecordAnswer, RequestLog } from './request-log.ts';
import { sendJson, type Site, type Visit } from './site.ts';

/** Who is asking and for which host; worked out by the door the request came through. */
export type Visitor = Omit<Visit, 'body'>;

export interface VisitServerOptions {
  readonly sites: Readonly<Record<string, Site>>;
  readonly log: RequestLog;
  readonly faults: () => NetworkFaults;
  readonly clock: Clock;
  /** Answers for itself and returns `undefined` when the request must not reach a site. */
  readonly visitor: (request: IncomingMessage, response: ServerResponse | undefined) => Visitor | undefined;
}

/** The HTTP/1.1 server behind every door of the fake internet: logs, applies faults, and calls the site. */
export function createVisitServer(options: VisitServerOptions): Server {
  const closed = new AbortController();
  const server = createServer((request, response) => {
    answer(request, response, options, closed.signal).catch(() => response.destroy());
  });
  server.on('close', () => closed.abort());
  // The model API is also spoken over a websocket. 426 sends the CLI back to plain HTTPS at once; any other
  // status costs it seven seconds of retries.
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => socket.destroy());
    const visitor = options.visitor(request, undefined);
    if (visitor) record(options, visitor, request, '')(426);
    socket.end('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: VisitServerOptions,
  closed: AbortSignal,
): Promise<void> {
  const visitor = options.visitor(request, response);
  if (!visitor) return;
  const refusal = watchRefusal(response);
  let recordAnswer: RecordAnswer | undefined;
  response.on('finish', () => recordAnswer?.(response.statusCode, refusal()));
  let body: string;
  try {
    body = await readRequestBody(request);
  } catch (error) {
    if (!(error instanceof UnreadableBody)) throw error;
    recordAnswer = record(options, visitor, request, '');
    sendJson(response, error.status, { error: { message: error.message } });
    return;
  }
  recordAnswer = record(options, visitor, request, body);
  const { delayMs, dropConnections } = options.faults();
  if (delayMs > 0) await options.clock.sleep(delayMs, closed);
  if (dropConnections) {
    request.socket.destroy();
    return;
  }
  const site = Object.hasOwn(options.sites, visitor.host) ? options.sites[visitor.host] : undefined;
  if (site) await site(request, response, { ...visitor, body });
  else sendJson(response, 502, { error: { message: `The fake internet has no site at ${visitor.host}.` } });
}

function record(options: VisitServerOptions, visitor: Visitor, request: IncomingMessage, body: string): RecordAnswer {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  return options.log.add({
    ...visitor,
    at: options.clock.now(),
    method: request.method ?? 'GET',
    path,
    query,
    headers: request.headers,
    body,
  });
}
