import { rm, writeFile } from 'node:fs/promises';

import { createSallyport } from '@sallyport/client';
import type { Sallyport } from '@sallyport/client';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { holdFile } from '../configs/hold-plugin.ts';
import { createApiKey } from '../support/api-key.ts';
import { openBrowser, readCodeFromCanvas, screenshot, typeIntoCanvas } from '../support/browser.ts';
import { makeCertificate, startNginx } from '../support/nginx.ts';
import { auditPage } from '../support/page-audit.ts';
import { findFreePort } from '../support/ports.ts';
import { startProduct } from '../support/product.ts';
import type { Product } from '../support/product.ts';
import { proxiedFetch } from '../support/proxied-fetch.ts';
import { makeDataDirectory, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/**
 * A deployment as its users see it: the server behind the documented nginx, at one name, and a product at another. The
 * browser blocks cookies of third parties.
 */
describe('a product whose users connect Codex behind nginx', () => {
  let server: DemoServer;
  let startProxy: () => ReturnType<typeof startNginx>;
  let nginx: Awaited<ReturnType<typeof startNginx>>;
  let product: Product;
  let productOrigin: string;
  let publicUrl: string;
  let backend: (userId?: string) => Sallyport;
  let proxied: (userId: string) => Sallyport;
  let browser: Browser;
  let page: Page;
  let dataDirectory: string;

  beforeAll(async () => {
    const [port, productPort] = [await findFreePort(), await findFreePort()];
    publicUrl = `https://connect.example.com:${port}`;
    productOrigin = `https://app.example.org:${productPort}`;
    dataDirectory = await makeDataDirectory();
    const environment = { SALLYPORT_PUBLIC_URL: publicUrl, PRODUCT_ORIGIN: productOrigin };
    const config = 'e2e/configs/behind-proxy.config.ts';
    server = await startDemoServer({ config, dataDirectory, environment });
    const token = await createApiKey(dataDirectory);
    const certificate = await makeCertificate(dataDirectory, ['connect.example.com', 'app.example.org']);
    const { origin } = server;
    startProxy = () => startNginx({ ...certificate, port, serverName: 'connect.example.com', upstream: origin });
    nginx = await startProxy();
    proxied = (userId) => createSallyport({ baseUrl: publicUrl, token, userId, fetch: proxiedFetch() });
    // The backend is on this host, where the public names are not known.
    backend = (userId) => createSallyport({ baseUrl: server.origin, token, ...(userId !== undefined && { userId }) });
    product = await startProduct({
      ...certificate,
      port: productPort,
      origin: productOrigin,
      server: publicUrl,
      backend: () => backend(),
    });
    browser = await openBrowser(
      '--host-resolver-rules=MAP *.example.com 127.0.0.1, MAP *.example.org 127.0.0.1',
      '--test-third-party-cookie-phaseout',
    );
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 1000 } });
    page = await context.newPage();
  });

  afterAll(async () => {
    await browser?.close();
    await product?.stop();
    await nginx?.stop();
    await server?.stop();
    if (dataDirectory) await removeDataDirectory(dataDirectory);
  });

  async function logInOnScreen(): Promise<void> {
    const code = await readCodeFromCanvas(page);
    await screenshot(page, 'hosted-2-screen');
    await typeIntoCanvas(page, code);
    await page.keyboard.press('Enter');
  }

  it('come to the page of a link, log in on its screen, and return connected', async () => {
    await page.goto(`${productOrigin}/connect`);
    await page.getByRole('heading', { name: 'Acme asks you to connect Codex' }).waitFor();
    expect(page.url()).toBe(`${publicUrl}/connect`);
    await screenshot(page, 'hosted-1-link');
    expect(await auditPage(page)).toEqual([]);
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    await page.getByText('Sign-in page: auth.openai.com').waitFor();
    await logInOnScreen();
    await page.getByRole('heading', { name: 'Connected codex, state s1' }).waitFor();
    expect(await backend('ada').credentials()).toMatchObject([{ provider: 'codex', valid: true }]);
  });

  it('see the answer of a prompt arrive in pieces, through the proxy', async () => {
    const pieces = await page.evaluate(
      async ({ url, bearer }) => {
        const response = await fetch(`${url}/api/vm/cli/prompt`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
          body: JSON.stringify({ provider: 'codex', prompt: 'Say hello.' }),
        });
        const chunks: string[] = [];
        for await (const chunk of Object(response.body).pipeThrough(new TextDecoderStream())) chunks.push(chunk);
        return chunks;
      },
      { url: publicUrl, bearer: await pageToken() },
    );
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toContain('"outcome":"completed"');
  });

  /** As the product gives it to its own page. */
  async function pageToken(): Promise<string> {
    await page.goto(`${productOrigin}/embed`);
    return page.evaluate(async () => (await fetch('/token')).text());
  }

  it('see the element of the server in a page of the product', async () => {
    await page.goto(`${productOrigin}/embed`);
    await page.getByText('Connected', { exact: true }).waitFor();
    await screenshot(page, 'hosted-3-element');
  });

  it('see the screen in a frame of the product, with the ticket of novncURL, which is in no log', async () => {
    const login = await backend('grace').connect({ provider: 'codex', method: 'browser:desktop' });
    const { novncURL } = login.started;
    expect(novncURL).toMatch(new RegExp(`^${publicUrl}/api/auth/session/.*/novnc#ticket=`));
    await page.goto(`${productOrigin}/frame?src=${encodeURIComponent(novncURL ?? '')}`);
    const code = await readCodeFromCanvas(page.frameLocator('iframe'));
    await screenshot(page, 'hosted-4-frame');
    expect((await server.openai()).logins.at(-1)?.code).toBe(code);
    await login.cancel();
    const ticket = novncURL?.split('ticket=')[1] ?? '';
    const log = await nginx.accessLog();
    expect(log).toContain('/novnc/websock');
    expect(log + server.output()).not.toContain(ticket);
  });

  /** Resolves when a connection that does not exist yet has brought the first picture. */
  function nextScreen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        // What comes before a picture is short.
        if (payload.length > 1_000) resolve();
      }),
    );
    return promise;
  }

  async function restartProxy(): Promise<void> {
    await nginx.stop();
    nginx = await startProxy();
  }

  it('go on at the screen, and read a prompt to its end, when the proxy is restarted', async () => {
    Object.assign(product, { linkFor: 'linus', signedIn: 'linus' });
    await page.goto(`${productOrigin}/connect`);
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    await readCodeFromCanvas(page);
    const screenIsBack = nextScreen();
    await restartProxy();
    await screenIsBack;
    await logInOnScreen();
    await page.getByRole('heading', { name: 'Connected codex, state s1' }).waitFor();

    // The machine takes its time, so the stream is open when the proxy goes.
    const held = holdFile(dataDirectory, 'starting-cli-machine');
    await writeFile(held, '');
    const ids: number[] = [];
    const run = proxied('linus').prompt({ provider: 'codex', prompt: 'Say hello.' });
    let outcome: string | undefined;
    for await (const event of run) {
      ids.push(event.id);
      if (event.type === 'prompt-end') ({ outcome } = event);
      if (ids.length > 1) continue;
      await restartProxy();
      await rm(held);
    }
    expect(outcome).toBe('completed');
    const { promptId = '' } = run;
    await expect.poll(() => nginx.accessLog()).toContain(`/api/vm/cli/prompt/${promptId}/events`);
    const stored: number[] = [];
    for await (const { id } of backend('linus').promptRun(promptId)) stored.push(id);
    expect(ids).toEqual(stored);
  });

  it('connect nothing for someone else who had sent them the link', async () => {
    Object.assign(product, { linkFor: 'mallory', signedIn: 'victim' });
    await page.goto(`${productOrigin}/connect`);
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    await logInOnScreen();
    await page.getByRole('heading', { name: 'Refused: CONNECT_LINK_GONE' }).waitFor();
    for (const user of ['mallory', 'victim']) expect(await backend(user).credentials()).toEqual([]);
  });
});
