import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

import { isHostAllowed } from '@sallyport/core/egress';
import type { RefusalReason } from '@sallyport/core/egress';

import type { CertificateAuthority } from './certificate-authority.ts';

export interface ConnectProxyOptions {
  /** Asked at each connection: an egress route that is assigned later has none until then. */
  readonly hosts: () => readonly string[];
  readonly authority: CertificateAuthority;
  readonly onRefused: (host: string, reason: RefusalReason) => void;
  /** Gets each connection after TLS, and the host it was opened to. */
  readonly onConnection: (socket: TLSSocket, host: string) => void;
}

/** A proxy that understands CONNECT (RFC 9110 §9.3.6) to port 443 and nothing else, and ends TLS itself. */
export function createConnectProxy(options: ConnectProxyOptions): Server {
  const proxy = createServer((_request, response) => {
    response.writeHead(405, { 'content-type': 'text/plain', allow: 'CONNECT' });
    response.end('Only CONNECT is understood here.\n');
  });
  proxy.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    open(request, socket, head, options).catch(() => socket.destroy());
  });
  return proxy;
}

async function open(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { hosts, authority, onRefused, onConnection }: ConnectProxyOptions,
): Promise<void> {
  const target = /^(?<host>[^:]+):(?<port>\d+)$/.exec(request.url ?? '')?.groups;
  const host = target?.['host']?.toLowerCase().replace(/\.$/, '');
  if (!host || target?.['port'] !== '443' || !isHostAllowed(host, hosts())) {
    const refused = host ?? request.url ?? '';
    onRefused(refused, 'not-allowed');
    const body = `${refused} is not on this machine's allow-list.\n`;
    socket.end(
      `HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
    return;
  }
  const secureContext = await authority.contextFor(host);
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  if (head.length > 0) socket.unshift(head);
  const encrypted = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
  encrypted.on('error', () => encrypted.destroy());
  onConnection(encrypted, host);
}
