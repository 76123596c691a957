import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

/** The vendor of the load's CLI, outside the server that is killed. Its refresh tokens are single-use. */
export interface LoadVendor {
  readonly url: string;
  /** Tokens that came a second time, which a vendor answers by ending the login. */
  readonly replayed: readonly string[];
  /** Prompts that the CLI ran, in order. */
  readonly ran: readonly string[];
  close(): Promise<void>;
}

export interface VendorRequest {
  readonly action: 'sign-in' | 'prompt' | 'refresh';
  readonly token?: string;
  readonly prompt?: string;
}

export interface VendorAnswer {
  /** The token that is good from now on; absent if the vendor refuses. */
  readonly token?: string;
}

export async function startLoadVendor(): Promise<LoadVendor> {
  const good = new Set<string>();
  const spent = new Set<string>();
  const replayed: string[] = [];
  const ran: string[] = [];
  let issued = 0;

  function issue(): VendorAnswer {
    issued += 1;
    const token = `token-${issued}`;
    good.add(token);
    return { token };
  }

  function decide({ action, token = '', prompt }: VendorRequest): VendorAnswer {
    if (action === 'sign-in') return issue();
    if (spent.has(token)) replayed.push(token);
    if (!good.has(token)) return {};
    if (action === 'prompt') {
      ran.push(prompt ?? '');
      return { token };
    }
    good.delete(token);
    spent.add(token);
    return issue();
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program asks
    const asked = (await json(request)) as VendorRequest;
    response.end(JSON.stringify(decide(asked)));
  }

  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The vendor has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    replayed,
    ran,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
