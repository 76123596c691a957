import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { CertificateAuthority } from '../fake-internet/certificate-authority.ts';
import { acceptConnect } from './accept-connect.ts';
import { acceptSocks } from './accept-socks.ts';

export interface FakeUpstreamOptions {
  readonly protocol: 'http' | 'https' | 'socks5';
  /** Has signed the certificate that it shows where the protocol is `https`; needed then. */
  readonly authority?: CertificateAuthority;
  readonly username: string;
  readonly password: string;
}

/** One request that came through, or was turned away. */
export interface UpstreamRequest {
  /** The port of the proxy it came to. */
  readonly port: number;
  /** `address:port` it asked for, once it was let in. */
  readonly target: string | undefined;
  readonly outcome: 'opened' | 'wrong-password' | 'refused';
}

/**
 * A proxy service with one port for each outgoing address. Strict: it asks for user and password, takes addresses
 * only (a gateway that hands names on has checked nothing), and understands nothing but the opening of a tunnel. At
 * the far end of every tunnel is a site that says which address it was reached from, on a line, and then echoes.
 */
export interface FakeUpstream {
  readonly host: typeof HOST;
  /** A port whose connections leave from this address. */
  openPort(address: string): Promise<number>;
  readonly requests: readonly UpstreamRequest[];
  /** Stops listening and drops every tunnel. */
  close(): Promise<void>;
}

/** What each kind of proxy decides about one client. */
export interface Admission {
  isLogin(username: string, password: string): boolean;
  note(outcome: UpstreamRequest['outcome'], target?: string): void;
  /** Puts the site at the far end of the tunnel. */
  serve(socket: Socket): void;
}

const HOST = '127.0.0.1';

export function createFakeUpstream(options: FakeUpstreamOptions): FakeUpstream {
  const { authority, protocol } = options;
  const accept = protocol === 'socks5' ? acceptSocks : acceptConnect;
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  const requests: UpstreamRequest[] = [];

  return {
    host: HOST,
    requests,
    openPort: async (address) => {
      if (protocol === 'https' && !authority) throw new Error('A proxy that speaks TLS needs a certificate authority.');
      const secureContext = protocol === 'https' ? await authority?.contextFor(HOST) : undefined;
      const server = createServer((connection) => {
        sockets.add(connection);
        connection.on('close', () => sockets.delete(connection));
        connection.on('error', () => connection.destroy());
        const socket = secureContext ? new TLSSocket(connection, { isServer: true, secureContext }) : connection;
        socket.on('error', () => socket.destroy());
        accept(socket, {
          isLogin: (username, password) => username === options.username && password === options.password,
          note: (outcome, target) => requests.push({ port, target, outcome }),
          serve: (tunnel) => {
            tunnel.write(`${address}\n`);
            tunnel.pipe(tunnel);
          },
        });
      });
      servers.add(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, HOST, resolve);
      });
      const bound = server.address();
      if (bound === null || typeof bound === 'string') throw new Error('A loopback server has a port.');
      const { port } = bound;
      return port;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([...servers].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
