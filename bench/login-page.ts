import { setTimeout as sleep } from 'node:timers/promises';

import type { Page } from 'playwright-core';

import { createApi } from '../e2e/support/api.ts';
import { openBrowser, readCodeFromCanvas } from '../e2e/support/browser.ts';
import { alternate } from './bench.ts';
import type { Bench } from './bench.ts';
import { startScreen } from './support/direct-browser.ts';
import type { World } from './support/world.ts';

const LIMIT = 1.5;

/**
 * From the click on Connect until the vendor's page is painted in the viewer's canvas, against Chromium alone with the
 * same flags on the same kind of screen, started with the page's address, until it has painted the page. The machine,
 * its screen and its browser are new each time, and so is the bare browser's profile; its screen is there already.
 */
export const loginPage: Bench = {
  name: 'login-page',
  run: async (world, count) => {
    const { origin } = await world.server();
    const screen = await startScreen(world);
    const browser = await openBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
      await page.goto(origin);
      const pairs = await alternate(count, {
        ours: () => connect(page, origin, world),
        bare: () => screen.paintLoginPage(),
      });
      const samples = pairs.map(({ ours, bare }) => ours / bare);
      return [{ title: 'click → sign-in page painted', kind: 'ratio', unit: 'ms', samples, pairs, limit: LIMIT }];
    } finally {
      await browser.close();
      await screen.end();
    }
  },
};

async function connect(page: Page, origin: string, world: World): Promise<number> {
  const button = page.getByRole('button', { name: /^connect codex/i }).first();
  await button.waitFor();
  await page.evaluate(noteClick);
  await button.click();
  const took: number = await page.evaluate(untilPainted);
  const code = await readCodeFromCanvas(page);
  if (world.vendor.state().logins.at(-1)?.code !== code) throw new Error('The canvas shows another page.');
  await page.getByRole('button', { name: 'Cancel' }).first().click();
  await settled(origin);
  return took;
}

/** Runs in the page. Looks for a long stretch of the code's magenta, in thin samples, once per frame. */
const untilPainted = `new Promise((resolve) => {
  const isMagenta = (data, at) => data[at] > 200 && data[at + 1] < 55 && data[at + 2] > 200;
  const isPainted = () => {
    const canvas = document.querySelector('canvas');
    if (!canvas || canvas.width === 0) return false;
    const context = canvas.getContext('2d');
    for (let y = 0; y < canvas.height; y += 24) {
      const { data } = context.getImageData(0, y, canvas.width, 1);
      let run = 0;
      for (let at = 0; at < data.length; at += 4) {
        run = isMagenta(data, at) ? run + 1 : 0;
        if (run > 30) return true;
      }
    }
    return false;
  };
  const look = () => {
    if (!isPainted()) return requestAnimationFrame(look);
    resolve(performance.now() - performance.getEntriesByName('click')[0].startTime);
  };
  look();
})`;

/** Runs in the page. */
const noteClick = `
  performance.clearMarks('click');
  addEventListener('click', () => performance.mark('click'), { capture: true, once: true });
`;

/** Until nothing of the cancelled login runs any more, so that it does not slow the next one. */
async function settled(origin: string): Promise<void> {
  const api = createApi(origin);
  const until = performance.now() + 30_000;
  while (performance.now() < until) {
    const { body } = await api.get('/api/vms');
    if (body.every((machine: { type: string }) => machine.type !== 'browser')) return sleep(300);
    await sleep(50);
  }
  throw new Error('The cancelled login left its machine.');
}
