import { access, constants } from 'node:fs/promises';
import { createServer } from 'node:net';

import type { Check } from '@sallyport/core/driver';

import { installCommand } from '../../host/programs.ts';
import { SOCAT } from './netdev.ts';

/** What this host has, and what is missing, for machines without a bridge. That QEMU itself is there, its driver looks at. */
export async function checkUserNetworkHost(subnet: string): Promise<readonly Check[]> {
  return [await checkSocat(), await checkLoopback(subnet.replace(/\d+\/\d+$/, '255'))];
}

async function checkSocat(): Promise<Check> {
  const name = 'socat';
  const isThere = await access(SOCAT, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isThere
    ? { name, state: 'ok', found: SOCAT }
    : { name, state: 'missing', found: `no ${SOCAT}`, fix: installCommand([name]) };
}

/** No machine has the last address of the network, so it is free wherever such addresses work. */
async function checkLoopback(address: string): Promise<Check> {
  const name = 'loopback addresses';
  const problem = await new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(error.message));
    server.listen(0, address, () => server.close(() => resolve(undefined)));
  });
  return problem === undefined
    ? { name, state: 'ok', found: `those below 127.0.0.0/8, as ${address}` }
    : { name, state: 'missing', found: problem, fix: 'It needs Linux, with `lo` up and 127.0.0.1/8 on it.' };
}
