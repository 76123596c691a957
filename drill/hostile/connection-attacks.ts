import { createServer } from 'node:net';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { EgressRoute } from '@sallyport/core/egress';
import { createDirectEgress } from '@sallyport/machines';

import { runInside } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { inside } from '../../packages/machines/src/process/layout.ts';
import type { Attack } from './attack.ts';
import { openRefusingEgress } from './refusing-egress.ts';
import { HANG_LIMIT_MS, withMachine } from './with-machine.ts';

const CONNECTIONS = 400;
/** Opens connections to the machine's egress proxy, sends half a request on each, and counts those that stay open. */
const openConnections = `
  const sockets = Array.from({ length: ${CONNECTIONS} }, () => require("net").connect({ path: "${inside.egress}", allowHalfOpen: true }));
  let closed = 0, begun = 0;
  // Time for the server to close those that it does not keep.
  const begin = () => { if (++begun === sockets.length) setTimeout(() => { console.log(sockets.length - closed); process.exit(); }, 5000); };
  for (const socket of sockets) {
    socket.on("error", () => {});
    let isOpen = true;
    for (const event of ["end", "close"]) socket.once(event, () => { if (isOpen) closed += 1; isOpen = false; });
    socket.once("connect", () => { begin(); socket.resume(); socket.write("CONNECT refused.test:443 HTTP/1.1\\r\\n"); });
  }`;

const REFUSED = 1000;
/** Rows of one machine in a minute, whatever it asks for: 20 hosts, and the count of all others. */
const MOST_ROWS = 42;
/** Asks for hosts that are not allowed, each on a separate connection, 50 at a time. */
const askForHosts = `
  const { connect } = require("net");
  let next = 0;
  const ask = () => {
    if (next === ${REFUSED}) return;
    const socket = connect({ path: "${inside.egress}" }).on("error", () => {}).on("close", ask).resume();
    socket.end("CONNECT host-" + next++ + ".test:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
  };
  for (let at = 0; at < 50; at += 1) ask();`;

/** Runs a program in a machine that has this egress, and returns what it printed last. */
async function runBehind(egress: EgressRoute, program: string): Promise<string> {
  try {
    return await withMachine({ isolation: 'bubblewrap', plan: { memoryMb: 512 }, egress }, async (machine) => {
      const report = await runInside(machine, `${inside.node} -e '${program}'`);
      if (!report.startsWith('0')) throw new Error(`The program of the drill failed: ${report}`);
      return report.split(/\s/).at(-1) ?? '';
    });
  } finally {
    await egress.close();
  }
}

/** An egress proxy that keeps every connection. */
async function openKeepingEgress(directory: string): Promise<EgressRoute> {
  const socketPath = join(directory, 'plain.sock');
  const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return { socketPath, close: async () => void server.close() };
}

async function openReservedEgress(directory: string): Promise<EgressRoute> {
  const egress = createDirectEgress({ directory, clock: systemClock });
  const route = await egress.reserve?.('m-drill', { signal: AbortSignal.timeout(HANG_LIMIT_MS) });
  if (!route) throw new Error('The direct egress reserves no route.');
  return route;
}

const heldOpen = (report: string): string | undefined =>
  Number(report) > 128 ? `${Number(report)} descriptors` : undefined;

async function fillAuditLog(directory: string, isLimited: boolean): Promise<string | undefined> {
  const egress = await openRefusingEgress(directory, isLimited);
  await runBehind(egress.route, askForHosts);
  const rows = egress.rows();
  return rows > MOST_ROWS ? `${rows} rows` : undefined;
}

/** Attacks on the server by the connections that a machine may open to it. `scratch` makes directories that every user can enter. */
export function listConnectionAttacks(scratch: () => string): readonly Attack[] {
  return [
    {
      title: `hold ${CONNECTIONS} connections to its egress proxy open`,
      defended: async () => heldOpen(await runBehind(await openReservedEgress(scratch()), openConnections)),
      undefended: async () => heldOpen(await runBehind(await openKeepingEgress(scratch()), openConnections)),
    },
    {
      title: 'fill the audit log by asking for hosts that are refused',
      defended: () => fillAuditLog(scratch(), true),
      undefended: () => fillAuditLog(scratch(), false),
    },
  ];
}
