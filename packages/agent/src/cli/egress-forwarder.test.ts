import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readAll } from '../__fixtures__/test-agent.ts';
import { startEgressForwarder } from './egress-forwarder.ts';

describe('the egress forwarder', () => {
  it('carries bytes both ways, also after one side has finished', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-egress-'));
    const egress = createServer({ allowHalfOpen: true }, (socket) => {
      void readAll(socket).then((text) => socket.end(text.toUpperCase().repeat(100_000)));
    });
    await new Promise<void>((resolve) => egress.listen(join(folder, 'egress'), resolve));
    const forwarder = await startEgressForwarder(join(folder, 'egress'));
    const client = connect({ host: '127.0.0.1', port: forwarder.port, allowHalfOpen: true });
    client.end('hello ');
    expect((await readAll(client)).length).toBe(600_000);
    await forwarder.close();
    egress.close();
    await rm(folder, { recursive: true });
  });

  it('closes the connection when there is no egress', async () => {
    const forwarder = await startEgressForwarder('/nonexistent/egress');
    const client = connect(forwarder.port, '127.0.0.1');
    client.on('error', () => {});
    client.resume();
    await new Promise<void>((resolve) => client.once('close', () => resolve()));
    await forwarder.close();
  });
});
