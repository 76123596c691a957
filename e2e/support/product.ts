import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';

import type { Sallyport } from '@sallyport/client';

import type { Certificate } from './nginx.ts';

export interface Product {
  /** Sends its users to log in, and takes them back. The login is for this user. */
  linkFor: string;
  /** Whom the product takes the browser for that comes back. */
  signedIn: string;
  stop(): Promise<void>;
}

interface ProductOptions extends Certificate {
  readonly port: number;
  readonly origin: string;
  /** Origin of the Sallyport server. */
  readonly server: string;
  /** With an API key. */
  readonly backend: () => Sallyport;
}

/** A product that has users: its backend, and two pages. All that it knows of Sallyport is the client package. */
export async function startProduct({ port, origin, server, backend, ...tls }: ProductOptions): Promise<Product> {
  const state = { linkFor: 'ada', signedIn: 'ada' };
  const page = (body: string): string =>
    `<!doctype html><html lang="en"><title>Acme</title><body>${body}</body></html>`;

  async function answer(
    url: URL,
  ): Promise<{ readonly location?: string; readonly body?: string; readonly type?: string }> {
    switch (url.pathname) {
      case '/connect': {
        const request = { userId: state.linkFor, provider: 'codex', returnUrl: `${origin}/connected`, state: 's1' };
        return { location: (await backend().createConnectLink(request)).url };
      }
      case '/connected': {
        const code = url.searchParams.get('code');
        if (code === null) return { body: page('<h1>Not connected</h1>') };
        try {
          const { provider } = await backend().claim({ code, userId: state.signedIn });
          return { body: page(`<h1>Connected ${provider}, state ${url.searchParams.get('state')}</h1>`) };
        } catch (error) {
          return { body: page(`<h1>Refused: ${Object(error).code}</h1>`) };
        }
      }
      case '/token': {
        const scopes = ['connect', 'prompt'] as const;
        const { token } = await backend().createUserToken({
          userId: state.signedIn,
          scopes: [...scopes],
          origin,
          expiresIn: 600,
        });
        return { body: token, type: 'text/plain' };
      }
      case '/embed':
        return {
          body: page(
            `<h1>Acme</h1><sallyport-connect provider="codex" server="${server}"></sallyport-connect>` +
              `<script type="module" src="${server}/connect-element.js"></script>` +
              `<script type="module">document.querySelector('sallyport-connect').token = async () => (await fetch('/token')).text();</script>`,
          ),
        };
      case '/frame':
        return {
          body: page(`<h1>Acme</h1><iframe width="1100" height="800" src="${url.searchParams.get('src')}"></iframe>`),
        };
      default:
        return { body: page('<h1>Nothing here</h1>') };
    }
  }

  async function respond(url: URL, response: ServerResponse): Promise<void> {
    try {
      const { location, body = '', type = 'text/html' } = await answer(url);
      const headers = { 'content-type': type, ...(location !== undefined && { location }) };
      response.writeHead(location === undefined ? 200 : 302, headers).end(body);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  }

  const https = createServer(
    { cert: await readFile(tls.certificate), key: await readFile(tls.key) },
    (request, response) => {
      void respond(new URL(request.url ?? '/', origin), response);
    },
  );
  await once(https.listen(port, '127.0.0.1'), 'listening');
  return Object.assign(state, {
    stop: async () => {
      https.close();
      https.closeAllConnections();
      await once(https, 'close');
    },
  });
}
