/** A server with one machine on its network, to be killed: prints the place and waits. */
import { systemClock } from '@sallyport/core';

import { createBridgeNetwork } from '../bridge-network.ts';

const [dataDirectory = '', machineId = '', egressSocket = ''] = process.argv.slice(2);
const network = createBridgeNetwork({ dataDirectory, clock: systemClock, quarantineMs: 0 });
const place = await network.attach(machineId, { egressSocket, signal: AbortSignal.timeout(60_000) });
process.stdout.write(`${JSON.stringify(place)}\n`);
process.stdin.resume();
