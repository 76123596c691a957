import { createServer } from 'node:http';
import type { Server } from 'node:http';

/** Loopback ports held so that a CLI does not choose them. */
export interface OccupiedPorts {
  release(): Promise<void>;
}

/**
 * Takes callback ports that are taken outside of the machine. A CLI that chose one would wait for a callback
 * which never reaches it. A holder that answers is needed: Codex asks an older login on its port to make room
 * (`GET /cancel`) and tries again before it takes the next port.
 */
export async function occupyPorts(ports: readonly number[]): Promise<OccupiedPorts> {
  const servers = (await Promise.all(ports.map(tryHold))).filter((server) => server !== undefined);
  return {
    release: async () => {
      await Promise.all(servers.map(close));
    },
  };
}

/** `undefined` where the port is taken already, which serves as well. */
function tryHold(port: number): Promise<Server | undefined> {
  const server = createServer((_request, response) => {
    response.writeHead(404, { connection: 'close' }).end();
  });
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
