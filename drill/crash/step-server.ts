import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';

/** Asks, from inside the server that will be killed, whether it may take a step. See `crash.config.ts`. */
export interface StepServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A step is reached by `POST /` with its name. The answer comes when the server may go on. */
export async function startStepServer(onStep: (step: string) => Promise<void>): Promise<StepServer> {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await onStep(await readText(request));
    response.writeHead(204).end();
  }
  // What fails is the connection of a server that was killed.
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The step server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
