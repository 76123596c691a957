import { setTimeout as sleep } from 'node:timers/promises';

import type { Page } from 'playwright-core';

import { createApi } from '../e2e/support/api.ts';
import { openBrowser, readCodeFromCanvas } from '../e2e/support/browser.ts';
import { alternate } from './bench.ts';
import type { Bench, Finding } from './bench.ts';
import { startScreen } from './support/direct-browser.ts';
import type { World } from './support/world.ts';

const LIMIT = 1.5;

/**
 * From the click on Connect until the vendor's page is painted in the viewer's canvas, against Chromium alone with the
 * same flags on the same kind of screen, started with the page's address, until it has painted the page. As for a
 * user who has looked at the page for a moment, a machine is ready at the click; it has never been used before.
 * Reported beside it: a click right after another one, for which everything has to be started. The bare browser's
 * profile is new each time; its screen is there already.
 */
export const loginPage: Bench = {
  name: 'login-page',
  run: async (world, count) => {
    const { origin } = await world.server();
    const screen = await startScreen(world);
    const browser = await openBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
      const pairs = await alternate(count, {
        ours: async () => {
          await page.goto(origin);
          await machineReady(origin);
          const ready = await connect(page, origin, world);
          const started = await connect(page, origin, world);
          await machineReady(origin);
          return { ready, started };
        },
        bare: () => screen.paintLoginPage(),
      });
      const against = (title: string, kind: 'ready' | 'started', limit?: number): Finding => ({
        title,
        kind: 'ratio',
        unit: 'ms',
        samples: pairs.map(({ ours, bare }) => ours[kind] / bare),
        pairs: pairs.map(({ ours, bare }) => ({ ours: ours[kind], bare })),
        ...(limit !== undefined && { limit }),
      });
      return [
        against('click → sign-in page painted', 'ready', LIMIT),
        against('the same, no machine was ready', 'started'),
      ];
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

/** Until a machine is ready, and a moment for the processor to settle. */
async function machineReady(origin: string): Promise<void> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    if (/^sallyport_browser_machines_ready 1$/m.test(metrics)) return sleep(500);
    await sleep(50);
  }
  throw new Error('No browser machine was made ready.');
}

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
