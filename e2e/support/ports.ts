import { once } from 'node:events';
import { createServer } from 'node:net';

/** Another program of this host that has a port and says nothing on it. */
export async function takePort(port: number): Promise<{ release(): Promise<void> }> {
  const server = createServer((socket) => socket.destroy());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    release: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
