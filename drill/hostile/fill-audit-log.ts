import { createDirectEgress } from '@sallyport/machines';
import { systemClock } from '@sallyport/core';

import { egressOptions } from '../../packages/core/src/machine/provision-machine.ts';
import { createRefusals } from '../../packages/core/src/runtime/egress-refusals.ts';
import { createRepeatLimit } from '../../packages/core/src/runtime/repeat-limit.ts';
import type { RepeatLimit } from '../../packages/core/src/runtime/repeat-limit.ts';
import { HANG_LIMIT_MS, runOutside } from './with-machine.ts';

const REFUSED = 1000;
/** Rows of one machine in a minute, whatever it asks for: 20 hosts, and the count of all others. */
const MOST_ROWS = 42;

/** Asks for hosts that are not allowed, each on a separate connection, 50 at a time. */
const program = (socketPath: string): string => `
  const { connect } = require("net");
  let next = 0;
  const ask = () => {
    if (next === ${REFUSED}) return;
    const socket = connect({ path: "${socketPath}" }).on("error", () => {}).on("close", ask).resume();
    socket.end("CONNECT host-" + next++ + ".test:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
  };
  for (let at = 0; at < 50; at += 1) ask();`;

/** How many rows a program writes to the audit log by being refused, wired as in a server, with the limit of repeats or without. */
export async function fillAuditLog(directory: string, isLimited: boolean): Promise<string | undefined> {
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  const limit = createRepeatLimit({ clock: systemClock });
  const everyTime: RepeatLimit = { ...limit, note: (refused) => refused.tell(1, false) };
  const egress = createDirectEgress({ directory, clock: systemClock });
  let rows = 0;
  const server = {
    repeatLimit: isLimited ? limit : everyTime,
    emit: () => void (rows += 1),
    reportBackground: () => {},
    refusals: createRefusals(),
  };
  const plan = {
    machineId: 'm-drill',
    userId: 'u',
    purpose: 'work',
    hosts: ['only.test'],
    identity: { userId: 'u' },
  } as const;
  const route = await egress.open(plan, egressOptions(server, plan, signal));
  try {
    await runOutside(`${process.execPath} -e '${program(route.socketPath)}'`);
    limit.flush();
    return rows > MOST_ROWS ? `${rows} rows` : undefined;
  } finally {
    await route.close();
  }
}
