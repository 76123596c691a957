import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { ServerResponse } from 'node:http';

import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { afterEach, describe, expect, it } from 'vitest';

import { openEventStream } from './sse.ts';

const undo: (() => void)[] = [];
afterEach(() => undo.splice(0).forEach((step) => step()));

/** The answer to a request whose body nobody reads yet. */
async function blockedResponse(): Promise<{ readonly response: ServerResponse; readonly read: () => void }> {
  const server = createServer();
  undo.push(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const request = get({ host: '127.0.0.1', port });
  // Destroyed before it has seen the answer, it says that the connection was closed.
  request.on('error', () => {});
  undo.push(() => request.destroy());
  const [, response] = await once(server, 'request');
  return { response, read: () => request.once('response', (incoming) => incoming.resume()) };
}

describe('a stream of events to a receiver that does not read', () => {
  it('adds no listeners for each event that waits, and goes on when there is room', async () => {
    const { response, read } = await blockedResponse();
    const stream = openEventStream(response, createVirtualClock(), new AbortController().signal);
    const event = { text: 'x'.repeat(1 << 20) };
    const sent: Promise<void>[] = [];
    // The buffers of both sockets are a few megabytes.
    while (stream.waiting < 4 << 20) sent.push(stream.send(event));
    const count = (): number => response.listenerCount('drain') + response.listenerCount('close');
    const before = count();
    for (let index = 0; index < 50; index += 1) sent.push(stream.send({ index }));
    expect(count()).toBe(before);
    read();
    await Promise.all(sent);
    expect(count()).toBeLessThan(before);
    stream.end();
  });
});
