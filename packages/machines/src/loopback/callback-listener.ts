import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import { callbackAddresses, callbackHosts } from '@sallyport/core/driver';

import { hasCode } from '../host/safe-directory.ts';

export interface CallbackListener {
  readonly port: number;
  close(): Promise<void>;
}

export interface CallbackListenerOptions {
  readonly port: number;
  readonly path: string;
  /** Resolves to whether the CLI took the callback. */
  onRequest(query: URLSearchParams): Promise<boolean>;
}

/**
 * Listens for a sign-in callback on the loopback addresses in place of a CLI that cannot be reached from here (RFC 8252
 * §7.3). `undefined` where the port is taken. It answers fixed pages and repeats nothing of a request, so that
 * a link that an attacker made can do no more than end in "not accepted".
 */
export async function listenForCallback(options: CallbackListenerOptions): Promise<CallbackListener | undefined> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(
      servers.map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  };
  for (const address of callbackAddresses) {
    const server = createServer({ maxHeaderSize: 8 * 1024, requestTimeout: 10_000 }, (request, response) => {
      void answer(options, request, response);
    });
    // One request, one connection: nothing stays open when the login is over.
    server.keepAliveTimeout = 1;
    const outcome = await tryListen(server, options.port, address);
    if (outcome === 'taken') {
      await close();
      return undefined;
    }
    if (outcome === 'listening') servers.push(server);
  }
  return { port: options.port, close };
}

/** Whether anything listens on this loopback port already. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  if ((await tryListen(server, port, '127.0.0.1')) !== 'listening') {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}

const RECEIVED =
  'The answer of the sign-in page has arrived. Go back to the page where you started: it shows how the login goes on. You can close this page.';

async function answer(
  options: CallbackListenerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? '';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const hosts = callbackHosts.map((host) => `${host}:${options.port}`);
  if (!hosts.includes(request.headers.host ?? '') || path !== options.path) {
    sendPage(response, 404, 'There is nothing here.');
    return;
  }
  if (request.method !== 'GET') {
    sendPage(response, 405, 'There is nothing here.');
    return;
  }
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
  // A refusal and a failure look the same from outside; the page that started the login tells them apart.
  const accepted = await options.onRequest(query).catch(() => false);
  if (accepted) {
    // The CLI has taken an answer, which may be the user's refusal; whether it is signed in shows later.
    sendPage(response, 200, RECEIVED);
  } else {
    sendPage(response, 400, 'This sign-in was not accepted. Go back to the page where you started and try again.');
  }
}

function sendPage(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'cache-control': 'no-store',
    // The address holds the sign-in code.
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign-in</title><p>${text}</p></html>\n`);
}

/** A host may have no IPv6: then nothing can go to its address either. */
async function tryListen(server: Server, port: number, host: string): Promise<'listening' | 'taken' | 'no-address'> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, exclusive: true }, resolve);
    });
    return 'listening';
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE') || hasCode(error, 'EACCES')) return 'taken';
    if (host !== '127.0.0.1' && (hasCode(error, 'EADDRNOTAVAIL') || hasCode(error, 'EAFNOSUPPORT')))
      return 'no-address';
    throw error;
  }
}
