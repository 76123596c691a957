import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { readEvents } from '../__fixtures__/test-agent.ts';
import { createOffers } from '../credentials/offers.ts';
import { createEventLog } from '../event-log.ts';
import type { EventLog } from '../event-log.ts';
import { createRouter } from '../http/router.ts';
import { eventRoutes } from './events.ts';

const MEGABYTE = 1024 * 1024;
const large = (message: string) => ({ type: 'desktop.failed', message: message.padEnd(MEGABYTE) }) as const;

describe('the stream of events', () => {
  let folder: string;
  let log: EventLog;
  let undo: (() => Promise<void> | void)[];
  const responses: ServerResponse[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-events-'));
    log = createEventLog();
    const over = new AbortController();
    const clock = createVirtualClock();
    const route = createRouter(eventRoutes(log, createOffers({ log, clock, signal: over.signal }), clock));
    const server = createServer((request, response) => {
      responses.push(response);
      void route(request, response);
    }).listen(join(folder, 'agent.sock'));
    await once(server, 'listening');
    undo = [
      () => over.abort(),
      () => server.closeAllConnections(),
      () => void server.close(),
      () => rm(folder, { recursive: true }),
    ];
  });

  afterEach(async () => {
    for (const step of undo) await step();
    responses.length = 0;
  });

  async function listen(lastEventId = 0): Promise<{ readonly heard: IncomingMessage; readonly sent: ServerResponse }> {
    const outgoing = httpRequest({
      socketPath: join(folder, 'agent.sock'),
      path: '/events',
      agent: false,
      headers: { 'last-event-id': lastEventId },
    });
    outgoing.on('error', () => {}).end();
    const [heard]: IncomingMessage[] = await once(outgoing, 'response');
    const sent = responses.at(-1);
    if (!heard || !sent) throw new Error('The agent has not answered.');
    heard.on('error', () => {});
    return { heard, sent };
  }

  it('cuts off a receiver that does not read, who comes back and resumes', async () => {
    const { heard, sent } = await listen();
    let most = 0;
    for (let each = 0; each < 16; each++) {
      log.publish(large(`event ${each}`));
      most = Math.max(most, sent.writableLength);
    }
    expect(sent.destroyed).toBe(true);
    // Eight megabytes and the event that went past them.
    expect(most).toBeLessThan(10 * MEGABYTE);
    heard.destroy();

    const again = await listen(15);
    const [{ value }] = [await readEvents(again.heard).next()];
    expect(value).toMatchObject({ id: 16, data: large('event 15') });
  });

  it('goes on for a receiver that reads, however much that is', async () => {
    const { heard, sent } = await listen();
    const events = readEvents(heard);
    for (let each = 1; each <= 16; each++) {
      log.publish(large(`event ${each}`));
      expect((await events.next()).value).toMatchObject({ id: each });
    }
    expect(sent.destroyed).toBe(false);
  });
});
