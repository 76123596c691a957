import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { EgressAddress } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { readAll } from '../__fixtures__/test-agent.ts';
import { startEgressForwarder } from './egress-forwarder.ts';

/** Reads all, then answers at length. */
const loudEgress = (): Server =>
  createServer({ allowHalfOpen: true }, (socket) => {
    void readAll(socket).then((text) => socket.end(text.toUpperCase().repeat(100_000)));
  });

async function exchange(address: EgressAddress): Promise<string> {
  const forwarder = await startEgressForwarder(address);
  const client = connect({ host: '127.0.0.1', port: forwarder.port, allowHalfOpen: true });
  client.end('hello ');
  const answer = await readAll(client);
  await forwarder.close();
  return answer;
}

describe('the egress forwarder', () => {
  it('carries bytes both ways, also after one side has finished', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-egress-'));
    const egress = loudEgress();
    await new Promise<void>((resolve) => egress.listen(join(folder, 'egress'), resolve));
    expect((await exchange({ socket: join(folder, 'egress') })).length).toBe(600_000);
    egress.close();
    await rm(folder, { recursive: true });
  });

  it("leads to the gateway of a guest's network just as to a socket", async () => {
    const egress = loudEgress();
    await new Promise<void>((resolve) => egress.listen(0, '127.0.0.1', resolve));
    const address = egress.address();
    if (address === null || typeof address === 'string') throw new Error('A server on a port has no port.');
    expect((await exchange({ host: '127.0.0.1', port: address.port })).length).toBe(600_000);
    egress.close();
  });

  it('leads elsewhere after a redirection', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-egress-'));
    const egress = loudEgress();
    await new Promise<void>((resolve) => egress.listen(join(folder, 'egress'), resolve));
    const forwarder = await startEgressForwarder({ socket: join(folder, 'former') });
    forwarder.redirect({ socket: join(folder, 'egress') });
    const client = connect({ host: '127.0.0.1', port: forwarder.port, allowHalfOpen: true });
    client.end('hello ');
    expect((await readAll(client)).length).toBe(600_000);
    await forwarder.close();
    egress.close();
    await rm(folder, { recursive: true });
  });

  it('closes the connection when there is no egress', async () => {
    const forwarder = await startEgressForwarder({ socket: '/nonexistent/egress' });
    const client = connect(forwarder.port, '127.0.0.1');
    client.on('error', () => {});
    client.resume();
    await new Promise<void>((resolve) => client.once('close', () => resolve()));
    await forwarder.close();
  });
});
