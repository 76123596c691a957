import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

import { SallyportError } from '@sallyport/core';

export interface Forwarder {
  readonly port: number;
  close(): void;
}

/** Passes connections to a loopback port on to the egress: CLIs know proxies by address, not by socket. */
export async function startForwarder(socketPath: string): Promise<Forwarder> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(socketPath);
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new SallyportError('EGRESS_FAILED', 'The forwarder to the egress has no port.');
  }
  return {
    port: address.port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
