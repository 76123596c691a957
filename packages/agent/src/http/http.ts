import { createHash, timingSafeEqual } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/protocol';

import { sendProblem } from './problem.ts';
import type { Router } from './router.ts';

export interface AgentServer {
  listen(where: BootConfig['listen']): Promise<void>;
  /** From now on this token is the only one. */
  expect(token: Secret): void;
  /** From now on nobody is let in, until a token is expected. */
  expectNobody(): void;
  close(): Promise<void>;
}

export interface AgentServerOptions {
  /** Bearer token of this boot. */
  readonly token: Secret;
  readonly router: Router;
  /** Takes an upgrade of `GET /vnc`. Throws where there is no desktop. */
  readonly onViewer: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** How long a caller may take to send the header of a request. Default: 30 seconds. */
  readonly headersMs?: number;
  /** How long a caller may take to send a whole request; 0 for any time. Default: 60 seconds. */
  readonly requestMs?: number;
}

/** A server keeps one stream and a few calls open; a viewer and four prompts come on top. */
const MOST_CONNECTIONS = 32;
const LARGEST_HEADER = 16 * 1024;
/** An emulated processor that is busy starting a browser lets this process wait for many seconds. */
const HEADERS_MS = 30_000;
const REQUEST_MS = 60_000;

export function createAgentServer({
  token,
  router,
  onViewer,
  headersMs = HEADERS_MS,
  requestMs = REQUEST_MS,
}: AgentServerOptions): AgentServer {
  let expected: Buffer | undefined = hash(`Bearer ${token.reveal()}`);
  // Hashes have one length, which timingSafeEqual wants and the length of a guess would give away.
  const isAllowed = (request: IncomingMessage): boolean =>
    expected !== undefined && timingSafeEqual(hash(request.headers.authorization ?? ''), expected);

  const server = createServer(
    {
      maxHeaderSize: LARGEST_HEADER,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: 5_000,
      // How often Node.js looks for callers that take too long.
      connectionsCheckingInterval: headersMs,
    },
    (request, response) => {
      if (!isAllowed(request)) {
        sendProblem(response, new SallyportError('ACCESS_DENIED', 'The token of this boot is missing or wrong.'), 401);
        return;
      }
      void router(request, response)
        .catch((error: unknown) => {
          // The rest of a body that was refused is not read, so the connection cannot be used again.
          if (!request.complete && !response.headersSent) response.setHeader('connection', 'close');
          sendProblem(response, error);
        })
        .finally(() => request.resume());
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!isAllowed(request)) return refuseUpgrade(socket, '401 Unauthorized');
    if (new URL(request.url ?? '/', 'http://agent').pathname !== '/vnc') return refuseUpgrade(socket, '404 Not Found');
    try {
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket));
      onViewer(request, socket, head);
    } catch {
      refuseUpgrade(socket, '503 Service Unavailable');
    }
  });
  return {
    listen: (where) => listen(server, where),
    expect: (next) => {
      expected = hash(`Bearer ${next.reveal()}`);
    },
    expectNobody: () => {
      expected = undefined;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
}

async function listen(server: Server, where: BootConfig['listen']): Promise<void> {
  if ('socket' in where) await rm(where.socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => {
      server.off('error', reject);
      resolve();
    };
    if ('socket' in where) server.listen(where.socket, ready);
    else server.listen(where.port, where.host ?? '127.0.0.1', ready);
  });
  if ('socket' in where) await chmod(where.socket, 0o600);
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
