import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

import { writeKeptMachine } from './kept-machines.ts';
import type { KeptMachine } from './kept-machines.ts';

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
  /** Where the disk of the CLI's machine is kept. */
  readonly disk?: string;
}

/** Where the CLI has its login. */
export const credentialPath = '~/.fake/auth.json';

export const credentialFile = (token: string): string =>
  JSON.stringify({ token, account: 'ada', issuedAt: Date.now() });

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

  function issue(): string {
    issued += 1;
    const token = `token-${issued}`;
    good.add(token);
    return token;
  }

  function decide({ action, token = '', prompt, disk = '' }: VendorRequest): VendorAnswer {
    if (action === 'sign-in') return { token: issue() };
    if (spent.has(token)) replayed.push(token);
    if (!good.has(token)) return {};
    if (action === 'prompt') {
      ran.push(prompt ?? '');
      return { token };
    }
    good.delete(token);
    spent.add(token);
    const next = issue();
    // On the disk at once: a CLI that is killed in between has lost its login, whatever the server does.
    keepToken(disk, next);
    return { token: next };
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

function keepToken(disk: string, token: string): void {
  const machine: KeptMachine = JSON.parse(readFileSync(disk, 'utf8'));
  const others = machine.home.filter(({ path }) => path !== credentialPath);
  const file = { path: credentialPath, content: credentialFile(token), mode: 0o600 };
  writeKeptMachine(disk, { ...machine, home: [...others, file] });
}
