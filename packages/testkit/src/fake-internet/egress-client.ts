import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';

import { SallyportError } from '@sallyport/core';

export interface EgressRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

export interface EgressResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends requests the way a machine does: CONNECT through the route's socket, then TLS. Follows no redirect. */
export function createEgressClient(route: {
  readonly socketPath: string;
  readonly certificateAuthority?: string;
}): (url: string, request?: EgressRequest) => Promise<EgressResponse> {
  return async (url, { method = 'GET', headers = {}, body, signal } = {}) => {
    const { hostname, port, pathname, search } = new URL(url);
    const tunnel = await openTunnel(route.socketPath, `${hostname}:${port || '443'}`, signal);
    const socket = connectTls({
      socket: tunnel,
      servername: hostname,
      ALPNProtocols: ['http/1.1'],
      ...(route.certificateAuthority !== undefined && { ca: route.certificateAuthority }),
    });
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const outgoing = httpsRequest({
          host: hostname,
          method,
          path: pathname + search,
          headers: { host: hostname, ...headers },
          createConnection: () => socket,
          ...(signal && { signal }),
        });
        outgoing.on('response', resolve);
        outgoing.on('error', reject);
        outgoing.end(body);
      });
      return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
    } finally {
      socket.destroy();
    }
  };
}

function openTunnel(socketPath: string, authority: string, signal: AbortSignal | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const connect = httpRequest({ socketPath, method: 'CONNECT', path: authority, ...(signal && { signal }) });
    connect.on('connect', (response, socket) => {
      if (response.statusCode === 200) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(
        new SallyportError('EGRESS_REFUSED', `The egress answered ${response.statusCode} to CONNECT ${authority}.`, {
          details: { status: response.statusCode },
        }),
      );
    });
    connect.on('error', reject);
    connect.end();
  });
}
