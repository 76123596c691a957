/**
 * The one process of ours inside a network of machines. Node cannot enter a network namespace, so this is started in
 * it. It leads each guest to its own egress proxy and the server to the guests, and ends with the server.
 *
 *     node main.ts <control socket> <gateway address> <egress port>
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

import { breakOff, joinSockets } from './join-sockets.ts';
import { formatLine, readLine } from './protocol.ts';
import type { HelperRequest } from './protocol.ts';
import { createRelay } from './relay.ts';

const [controlSocket = '', gateway = '', egressPort = ''] = process.argv.slice(2);
const relay = createRelay();

// The other end is the server's. It closes with the server, however that ends.
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0));
process.stdin.resume();

const control = createServer({ allowHalfOpen: true }, (caller) => {
  caller.on('error', () => {});
  answer(caller).catch((error: unknown) => {
    const problem = error instanceof Error ? error.message : String(error);
    if (!caller.destroyed) caller.end(formatLine({ ok: false, problem }));
  });
});
const egress = createServer({ allowHalfOpen: true, noDelay: true }, (guest) => {
  relay.serve(guest).catch(() => breakOff(guest));
});

await rm(controlSocket, { force: true });
await listening(control, { path: controlSocket });
await chmod(controlSocket, 0o600);
await listening(egress, { host: gateway, port: Number(egressPort) });
process.stdout.write('ready\n');

async function answer(caller: Socket): Promise<void> {
  const request: HelperRequest = JSON.parse(await readLine(caller));
  if (request.kind === 'connect') {
    const guest = await relay.dial(request.address, request.port, caller);
    caller.write(formatLine({ ok: true }));
    joinSockets(caller, guest);
    return;
  }
  if (request.kind === 'open') relay.open(request.address, request.egressSocket);
  else relay.close(request.address);
  caller.end(formatLine({ ok: true }));
}

function listening(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}
