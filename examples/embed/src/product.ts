import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { SallyportError } from '@sallyport/client';

import type { Backend } from './backend.ts';

export interface ProductOptions {
  /** Origin of the Sallyport server. */
  readonly server: string;
  readonly backend: Backend;
}

const pages: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'connect.html', type: 'text/html' },
  '/frame': { file: 'frame.html', type: 'text/html' },
  '/connect.js': { file: 'connect.js', type: 'text/javascript' },
  '/frame.js': { file: 'frame.js', type: 'text/javascript' },
};

/** A product with two pages and the requests that they make. */
export function createProduct({ server, backend }: ProductOptions): Server {
  const headers = {
    'cache-control': 'no-store',
    'content-security-policy': contentPolicy(server),
    'x-content-type-options': 'nosniff',
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '/' } = request;
    const page = method === 'GET' && Object.hasOwn(pages, url) ? pages[url] : undefined;
    if (page) {
      const content = await readFile(join(import.meta.dirname, '../pages', page.file), 'utf8');
      response.writeHead(200, { ...headers, 'content-type': `${page.type}; charset=utf-8` });
      response.end(content.replaceAll('{{server}}', server));
      return;
    }
    // Another page in the same browser must not act for the user.
    if (method !== 'POST' || request.headers['sec-fetch-site'] !== 'same-origin') {
      response.writeHead(404, headers).end();
      return;
    }
    const userId = signedInUser(request);
    switch (url) {
      case '/token':
        response.writeHead(200, { ...headers, 'content-type': 'text/plain' }).end(await backend.createToken(userId));
        return;
      case '/login':
        await streamLogin(userId, response);
        return;
      case '/prompt': {
        const answer = await backend.ask(userId, await text(request));
        response.writeHead(200, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end(answer);
        return;
      }
      default:
        response.writeHead(404, headers).end();
    }
  }

  /** Each event as a line of JSON. */
  async function streamLogin(userId: string, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.on('close', () => left.abort());
    for await (const event of backend.logIn(userId, left.signal)) {
      if (!response.headersSent) response.writeHead(200, { ...headers, 'content-type': 'application/x-ndjson' });
      response.write(`${JSON.stringify(event)}\n`);
    }
    response.end();
  }

  return createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      if (!(error instanceof SallyportError)) console.error(error);
      const said = error instanceof SallyportError ? `${error.message} ${error.hint}` : 'Something went wrong.';
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end(said);
    });
  });
}

/** A product with users takes this from its session cookie, and never from what the page says. */
function signedInUser(_request: IncomingMessage): string {
  return 'ada';
}

/** What a page needs to embed Sallyport: its script, its API and WebSockets, its viewer, and pictures of a screen. */
function contentPolicy(server: string): string {
  const sockets = server.replace(/^http/, 'ws');
  return [
    "default-src 'none'",
    `script-src 'self' ${server}`,
    `connect-src 'self' ${server} ${sockets}`,
    `frame-src ${server}`,
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
