import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

import { acceptConnect } from './accept-connect.ts';
import { acceptSocks } from './accept-socks.ts';

export interface FakeUpstreamOptions {
  readonly protocol: 'http' | 'socks5';
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
  readonly host: '127.0.0.1';
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

export function createFakeUpstream(options: FakeUpstreamOptions): FakeUpstream {
  const accept = options.protocol === 'http' ? acceptConnect : acceptSocks;
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  const requests: UpstreamRequest[] = [];

  return {
    host: '127.0.0.1',
    requests,
    openPort: async (address) => {
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
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
        server.listen(0, '127.0.0.1', resolve);
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
