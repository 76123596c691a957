import { join } from 'node:path';

import type { Browser, Frame, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { codeInPixels, readPixels } from '../support/browser.ts';
import { startExample } from '../support/example.ts';
import type { Example } from '../support/example.ts';
import { openFirefox } from '../support/firefox.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { poll, repository } from '../support/server.ts';

/** `examples/embed` as a reader starts it: its pages at `localhost`, the server at `127.0.0.1`, third-party cookies blocked. */
describe('examples/embed, in Firefox', () => {
  let example: Example;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    example = await startExample({ cwd: join(repository, 'examples/embed'), args: () => ['src/main.ts'] });
    browser = await openFirefox();
    page = await browser.newPage();
    page.setDefaultTimeout(HANG_LIMIT_MS);
  });

  afterAll(async () => {
    await browser?.close();
    await example?.stop();
  });

  async function logInOnScreen(place: Page | Frame): Promise<void> {
    await place.waitForSelector('canvas');
    const code = await poll('the code to be painted', async () =>
      codeInPixels(await place.$eval('canvas', readPixels)),
    );
    await place.focus('canvas');
    await page.keyboard.type(code, { delay: 40 });
    await page.keyboard.press('Enter');
  }

  it('logs in with the element, and says so in an event', async () => {
    await page.goto(example.origin);
    await page.locator('sallyport-connect >>> .primary').click();
    await logInOnScreen(page);
    await page.waitForSelector('li::-p-text(sallyport-change: codex is connected)');
  });

  it('logs in with a bare iframe, which may keep no cookie', async () => {
    await page.goto(`${example.origin}/frame`);
    await page.locator('button::-p-text(Connect Codex)').click();
    const screen = await poll('the frame to be filled', async () => {
      const frame = page.frames().find((candidate) => candidate.url().startsWith(`${example.server.origin}/`));
      return (await frame?.$('canvas')) ? frame : undefined;
    });
    expect(await screen.evaluate(keepsCookie)).toBe(false);
    await logInOnScreen(screen);
    await page.waitForSelector('[role=status]::-p-text(Connected)');
  });
});

/** An expression for the browser. */
const keepsCookie = `(() => {
  document.cookie = 'probe=1; SameSite=None; Secure';
  return document.cookie.includes('probe=1');
})()`;
