import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import type { createSallyport } from '@sallyport/client';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createIdentities } from '../../test/server/identities.ts';
import { startCutRelay } from '../../test/server/cut-relay.ts';
import type { CutRelay } from '../../test/server/cut-relay.ts';
import { startTestServer } from '../../test/server/test-server.ts';
import type { TestServer } from '../../test/server/test-server.ts';
import { openBrowser } from '../support/browser.ts';
import { repository } from '../support/server.ts';

const text = (piece: string): ExecuteEvent => ({ type: 'stdout', line: JSON.stringify({ type: 'text', text: piece }) });
const end: ExecuteEvent = { type: 'exit', code: 0, signal: null, reason: 'ended' };

/** Vitest rewrites `import()` in what a test sends to a page. */
const page = `<!doctype html><title>A product</title>
<script type="module">import * as client from '/client/index.js'; window.client = client; document.title = 'ready';</script>`;

/** A product's page, on another origin than the server. It serves the client as it is published. */
async function servePage(): Promise<{ readonly origin: string; close(): void }> {
  const server = createServer((request, response) => {
    const name = /^\/client\/([a-z-]+\.js)$/.exec(request.url ?? '')?.[1];
    if (name === undefined) {
      response.setHeader('content-type', 'text/html').end(page);
      return;
    }
    void readFile(join(repository, 'packages/client/dist', name)).then(
      (source) => response.setHeader('content-type', 'text/javascript').end(source),
      () => response.writeHead(404).end(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port }: AddressInfo = Object(server.address());
  return { origin: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

describe('the client in a browser, on the page of a product', () => {
  const identities = createIdentities();
  let browser: Browser;
  let tab: Page;
  let product: Awaited<ReturnType<typeof servePage>>;
  let relay: CutRelay;
  let server: TestServer;
  let token: string;

  beforeAll(async () => {
    [browser, product, relay] = await Promise.all([openBrowser(), servePage(), startCutRelay()]);
    server = await startTestServer({
      authentication: identities.authentication,
      address: { origin: relay.url, allowedOrigins: [product.origin] },
    });
    relay.target = Number(new URL(server.url).port);
    token = await identities.userToken('ada', { origin: product.origin });
    await server.connect('ada');
    tab = await openTab(product.origin);
  });

  async function openTab(origin: string): Promise<Page> {
    const opened = await browser.newPage();
    await opened.goto(origin);
    await opened.waitForFunction("document.title === 'ready'");
    return opened;
  }

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await relay?.close();
    product?.close();
  });

  it('gets each event of a prompt once, over a network that is cut twice', async () => {
    const after: Record<string, readonly ExecuteEvent[]> = { a: [text('b')], b: [text('c'), end] };
    await tab.exposeFunction('seen', (piece: string) => {
      const more = after[piece];
      if (!more) return;
      relay.cut();
      server.output.put(...more);
    });
    server.output.put(text('a'));
    const { ids, said, outcome, promptId } = await tab.evaluate(
      async ({ baseUrl, token: bearer }) => {
        const client: { createSallyport: typeof createSallyport } = Reflect.get(globalThis, 'client');
        const run = client.createSallyport({ baseUrl, token: bearer }).prompt({ provider: 'fake', prompt: 'hello' });
        const read = { ids: [] as number[], said: '', outcome: '' };
        for await (const event of run) {
          read.ids.push(event.id);
          if (event.type === 'prompt-end') read.outcome = event.outcome;
          if (event.type !== 'text') continue;
          read.said += event.text;
          await Reflect.get(globalThis, 'seen')(event.text);
        }
        return { ...read, promptId: run.promptId ?? '' };
      },
      { baseUrl: relay.url, token },
    );
    expect([said, outcome]).toEqual(['abc', 'completed']);
    const stored = await server.sallyport.store.prompts.events(promptId, 0, 1000);
    expect(ids).toEqual(stored.map(({ id }) => id));
    expect(server.executed).toHaveLength(1);
  });

  it('is refused on a page that is not allowed, and says how it failed', async () => {
    const other = await servePage();
    try {
      const stranger = await openTab(other.origin);
      const code = await stranger.evaluate(
        async ({ baseUrl, token: bearer }) => {
          const client: { createSallyport: typeof createSallyport } = Reflect.get(globalThis, 'client');
          const failure: unknown = await client
            .createSallyport({ baseUrl, token: bearer, retries: 1 })
            .machines()
            .catch((error: unknown) => error);
          return String(Reflect.get(Object(failure), 'code'));
        },
        { baseUrl: relay.url, token },
      );
      // A browser tells a page nothing of an answer that it may not read.
      expect(code).toBe('UNREACHABLE');
    } finally {
      other.close();
    }
  });
});
