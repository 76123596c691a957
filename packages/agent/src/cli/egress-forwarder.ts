import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';

import type { EgressAddress } from '@sallyport/core/protocol';

/** The machine's egress, as the CLIs see it: an HTTP proxy on a loopback port. */
export interface EgressForwarder {
  readonly port: number;
  /** New connections go there from now on. */
  redirect(address: EgressAddress): void;
  close(): Promise<void>;
}

/** More than a browser opens at once; what is over it is refused, not queued. */
const MOST_CONNECTIONS = 256;

/**
 * Carries bytes between a loopback port and the egress. CLIs take a proxy only as `http://host:port`, theirs never
 * changes, and the machine has no other egress. Nothing is looked at: the egress decides.
 */
export async function startEgressForwarder(address: EgressAddress): Promise<EgressForwarder> {
  const over = new AbortController();
  let target = targetOf(address);
  // What was written is sent at once: held back for the reader's acknowledgement (RFC 896), a word comes 40 ms late.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const egress = connect({ ...target, allowHalfOpen: true });
    const options = { signal: over.signal };
    // A broken connection is told by closing the other half; there is nobody else to tell.
    void Promise.all([pipeline(client, egress, options), pipeline(egress, client, options)]).catch(() => {
      client.destroy();
      egress.destroy();
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const own = server.address();
  if (own === null || typeof own === 'string') throw new Error('A server on a port has no port.');
  return {
    port: own.port,
    redirect: (next) => {
      target = targetOf(next);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        over.abort();
      }),
  };
}

function targetOf(address: EgressAddress) {
  return 'socket' in address ? { path: address.socket } : { ...address, noDelay: true };
}
