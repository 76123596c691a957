import { join } from 'node:path';

import { createSallyport } from '@sallyport/client';
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBrowser, readCodeFromCanvas, screenshot, typeIntoCanvas } from '../support/browser.ts';
import { startExample } from '../support/example.ts';
import type { Example } from '../support/example.ts';
import { poll, repository } from '../support/server.ts';

const browsers = [{ name: 'chromium', open: () => openBrowser('--test-third-party-cookie-phaseout') }];

/** `examples/embed` as a reader starts it: its pages at `localhost`, the server at `127.0.0.1`, cookies of third parties blocked. */
describe.each(browsers)('examples/embed, in $name', ({ name, open }) => {
  let example: Example;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    example = await startExample({ cwd: join(repository, 'examples/embed'), args: () => ['src/main.ts'] });
    browser = await open();
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    page = await context.newPage();
    page.on('dialog', (dialog) => void dialog.accept());
  });

  afterAll(async () => {
    await browser?.close();
    await example?.stop();
  });

  const events = () => page.getByRole('list', { name: 'Events' }).getByRole('listitem');

  it('logs in with the element, and says so in an event', async () => {
    await page.goto(example.origin);
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    await typeIntoCanvas(page, await readCodeFromCanvas(page));
    await page.keyboard.press('Enter');
    await page
      .getByText('Not checked yet')
      .or(page.getByText('Connected', { exact: true }))
      .waitFor();
    await screenshot(page, `embed-1-element-${name}`);
    expect(await events().allTextContents()).toEqual([
      'sallyport-connected: codex',
      'sallyport-change: codex is connected',
    ]);
    // The token was there before the element asked for anything.
    expect(example.server.output()).not.toContain('ACCESS_UNAUTHENTICATED');
  });

  it('runs a prompt', async () => {
    await page.getByRole('textbox', { name: 'Prompt' }).fill('What is a sally port?');
    await page.getByRole('button', { name: 'Ask Codex' }).click();
    await page.getByText('You said: What is a sally port?').waitFor();
  });

  it('says in an event that the user has disconnected', async () => {
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('button', { name: 'Connect Codex' }).waitFor();
    expect(await page.getByRole('status').allTextContents()).toContainEqual(
      expect.stringContaining('Your login may still be active at the vendor'),
    );
    expect(await events().allTextContents()).toEqual([
      'sallyport-connected: codex',
      'sallyport-change: codex is connected',
      'sallyport-change: codex is not connected',
    ]);
  });

  it('logs in with a bare iframe, whose ticket reaches no log, no vendor and no Referer', async () => {
    const { server } = example;
    const sent: Request[] = [];
    page.on('request', (request) => sent.push(request));
    await page.goto(`${example.origin}/frame`);
    const answered = page.waitForRequest((request) => request.url().includes('/novnc'));
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    await answered;
    const source = await page.locator('iframe').getAttribute('src');
    const ticket = source?.split('#ticket=')[1] ?? '';
    expect(ticket).toMatch(/^.{20,}$/);

    const frame = page.frameLocator('iframe');
    const code = await readCodeFromCanvas(frame);
    await screenshot(page, `embed-2-frame-${name}`);
    expect(await keepsCookie(frame)).toBe(false);
    await frame.locator('canvas').first().focus();
    await page.keyboard.type(code, { delay: 40 });
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Connected').waitFor();
    expect((await events().allTextContents()).at(-1)).toMatch(/^done: /);

    // What was asked of both sites, without the fragment, which a browser keeps to itself.
    expect(sent.some((request) => request.url().startsWith(`${server.origin}/`))).toBe(true);
    const headers = sent.map((request) => request.headers());
    expect(JSON.stringify(headers)).toContain('"referer"');
    const paths = sent.map((request) => request.url().split('#')[0]);
    expect(JSON.stringify([headers, paths, sent.map((request) => request.postData())])).not.toContain(ticket);
    const vendor = await server.internet.log();
    expect(vendor.some(({ path }) => path === '/oauth/authorize')).toBe(true);
    expect(JSON.stringify(vendor.map(({ shown, path }) => ({ shown, path })))).not.toContain(ticket);
    expect(server.output()).toContain('A viewer left');
    expect(server.output()).not.toContain(ticket);
  });

  it('asks for nothing before a script of the page has set the token', async () => {
    const script = `import '${example.server.origin}/connect-element/v1.js';
      document.querySelector('sallyport-connect').token = async () => (await fetch('/token', { method: 'POST' })).text();`;
    await page.route('**/connect.js', (route) => route.fulfill({ contentType: 'text/javascript', body: script }));
    const refused: string[] = [];
    page.on('response', (response) => void (response.status() === 401 && refused.push(response.url())));
    await page.goto(example.origin);
    await page.getByRole('button', { name: 'Disconnect' }).waitFor();
    expect(refused).toEqual([]);
    await page.unroute('**/connect.js');
  });

  it('shows the screen in no page of another origin, and cancels a login whose page is closed', async () => {
    const refused = page.waitForEvent('console', (message) => /frame-ancestors/.test(message.text()));
    // By another name, the example is another origin.
    await page.goto(`http://127.0.0.1:${new URL(example.origin).port}/frame`);
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    expect((await refused).type()).toBe('error');
    await page.goto('about:blank');
    const sallyport = createSallyport({ baseUrl: example.server.origin, token: example.key, userId: 'ada' });
    await poll('the login to be cancelled', async () => {
      for await (const { status } of sallyport.logins({ limit: 1 })) return status === 'cancelled' || undefined;
      return undefined;
    });
  });

  it('blocks cookies of third parties here, but not those of the page itself', async () => {
    await page.goto(example.server.origin);
    expect(await keepsCookie(page)).toBe(true);
  });
});

/** Whether what stands there may keep a cookie, as a site needs it that is embedded by another. */
async function keepsCookie(place: Pick<Page, 'locator'>): Promise<boolean> {
  return place.locator('body').evaluate((body) => {
    const document: { cookie: string } = body.ownerDocument;
    document.cookie = 'probe=1; SameSite=None; Secure';
    return document.cookie.includes('probe=1');
  });
}
