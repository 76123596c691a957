import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { Egress } from '@sallyport/core/egress';
import { createDirectEgress, createPortPerUserEgress, createProxyEgress } from '@sallyport/machines';
import { createFakeUpstream } from '@sallyport/testkit';

import { overhearHost } from './overheard-host.ts';

/**
 * A program for a separate network namespace: machines try every egress, with their proxy as it should be and without
 * it. Prints how each try was answered and what arrived outside, as JSON.
 */
export interface Try {
  readonly way: string;
  readonly proxy: 'none' | 'up' | 'refuses the password' | 'down';
  readonly answer: string;
  readonly heard: readonly string[];
}

const directory = await mkdtemp(join(tmpdir(), 'sp-overheard-'));
const { heard, heardSoFar } = await overhearHost();
const gateway = { directory, clock: systemClock };
const login = { username: 'sallyport', password: 'right' };
const tries: Try[] = [];

async function leave(egress: Egress, proxyPort?: number): Promise<Pick<Try, 'answer' | 'heard'>> {
  heard.length = 0;
  const identity = { userId: 'u-ada', ...(proxyPort !== undefined && { proxyPort }) };
  const plan = { machineId: 'm-one', userId: 'u-ada', purpose: 'work', hosts: ['site.test'], identity } as const;
  const route = await egress.open(plan, { signal: new AbortController().signal });
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(route.socketPath);
    socket.once('data', (bytes) => {
      resolve(bytes.toString('latin1').split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.write('CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n');
  });
  await route.close();
  return { answer, heard: [...new Set(await heardSoFar())] };
}

tries.push({ way: 'direct', proxy: 'none', ...(await leave(createDirectEgress(gateway))) });
for (const protocol of ['http', 'socks5'] as const) {
  const upstream = createFakeUpstream({ protocol, ...login });
  const { host } = upstream;
  const port = await upstream.openPort('198.51.100.1');
  const ways = (password: string): Readonly<Record<string, Egress>> => {
    const secret = new Secret(password);
    const { username } = login;
    return {
      [`one ${protocol} proxy`]: createProxyEgress({
        ...gateway,
        proxy: { protocol, host, port, username, password: secret },
      }),
      [`${protocol} port`]: createPortPerUserEgress({ ...gateway, host, protocol, username, password: secret }),
    };
  };
  const attempt = async (proxy: Try['proxy'], password: string): Promise<void> => {
    for (const [way, egress] of Object.entries(ways(password)))
      tries.push({ way, proxy, ...(await leave(egress, port)) });
  };
  await attempt('up', login.password);
  await attempt('refuses the password', 'wrong');
  await upstream.close();
  await attempt('down', login.password);
}
await rm(directory, { recursive: true, force: true });
process.stdout.write(JSON.stringify(tries));
process.exit();
