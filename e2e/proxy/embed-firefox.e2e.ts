import { join } from 'node:path';

import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, it } from 'vitest';

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

  async function logInOnScreen(place: Page): Promise<void> {
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
});
