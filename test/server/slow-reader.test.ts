import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';

import { createVirtualClock } from '@sallyport/testkit';
import type { VirtualClock } from '@sallyport/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

/** More than the sockets of a host take in for a reader who does not read. */
const PIECES = 500;
const piece = { type: 'stdout', line: JSON.stringify({ type: 'text', text: 'x'.repeat(64 * 1024) }) } as const;

let server: TestServer;
let clock: VirtualClock;

beforeAll(async () => {
  clock = createVirtualClock();
  server = await startTestServer({ clock });
  await server.connect();
});
afterAll(() => server.close());

/** Sends a prompt, and reads the headers of the answer. What comes behind them stays in the socket. */
async function sendWithoutReading(): Promise<{ readonly socket: Socket; readonly head: string }> {
  const body = JSON.stringify({ provider: 'fake', prompt: 'hello' });
  const lines = ['POST /api/vm/cli/prompt HTTP/1.1', `host: ${server.host}`, 'content-type: application/json'];
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(`${lines.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  const [head] = await once(socket, 'data');
  socket.pause();
  return { socket, head: String(head) };
}

const idsIn = (body: string): readonly number[] => [...body.matchAll(/^id: (\d+)\n/gm)].map(([, id]) => Number(id));

it('a reader who takes nothing for a minute is cut off, and resumes behind the last event that it has', async () => {
  const { socket, head } = await sendWithoutReading();
  for (let count = 0; count < PIECES; count += 1) server.output.put(piece);
  server.output.put({ type: 'exit', code: 0, signal: null, reason: 'ended' });
  const path = /^location: (\S+)/m.exec(head)?.[1] ?? '';
  const { prompts } = server.sallyport.store;
  const promptId = path.split('/').at(-1) ?? '';
  const isOver = async (): Promise<boolean> => (await prompts.get(promptId))?.status === 'completed';
  // The prompt goes on: it does not wait for this reader.
  await expect.poll(isOver).toBe(true);
  await expect
    .poll(async () => {
      await clock.advance(60_000);
      return connectionsOf(server);
    })
    .toBe(0);
  const received = head + (await text(socket));

  const first = idsIn(received.slice(0, received.lastIndexOf('\n\n')));
  const last = first.at(-1) ?? 0;
  const rest = await server.request(`${path}/events`, { headers: { 'last-event-id': String(last) } });
  const ids = [...first, ...idsIn(await rest.text())];
  const stored = await prompts.events(promptId, 0, 2 * PIECES);
  expect(first.length).toBeLessThan(stored.length);
  expect(ids).toEqual(stored.map(({ id }) => id));
});

function connectionsOf({ app }: TestServer): Promise<number> {
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
