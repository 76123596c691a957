import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { readColourCode } from '@sallyport/testkit/vendors';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';

import { HANG_LIMIT_MS } from './hang-limit.ts';
import { poll, repository } from './server.ts';

/**
 * The user's own browser. It runs as the user who runs the tests, which is root in CI, so without its sandbox. Its
 * pages wait as long as every other end-to-end test; Playwright's own limit is 30 seconds.
 */
export async function openBrowser(...more: readonly string[]): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...more,
    ],
  });
  return browser.on('context', (context) => context.setDefaultTimeout(HANG_LIMIT_MS));
}

/** The sign-in machine's screen, as the viewer shows it. */
function viewerCanvas(page: Pick<Page, 'locator'>): Locator {
  return page.locator('canvas').first();
}

/** Reads the six symbols from the pixels of the viewer's canvas: proof that the login page reached the user. */
export async function readCodeFromCanvas(page: Pick<Page, 'locator'>): Promise<string> {
  const canvas = viewerCanvas(page);
  await canvas.waitFor({ state: 'visible', timeout: HANG_LIMIT_MS });
  return poll('the code to be painted in the viewer', () => codeOn(canvas));
}

/** Waits until the machine's browser shows another page than the one with the code. */
export async function untilCodeIsGone(page: Page): Promise<void> {
  await poll(
    'the page with the code to be left',
    async () => (await codeOn(viewerCanvas(page))) === undefined || undefined,
  );
}

async function codeOn(canvas: Locator): Promise<string | undefined> {
  return codeInPixels(await canvas.evaluate(readPixels));
}

/** The six symbols that these pixels of a canvas show, if they do. */
export function codeInPixels(pixels: ReturnType<typeof readPixels>): string | undefined {
  return pixels && readColourCode({ ...pixels, data: Buffer.from(pixels.data, 'base64') });
}

/** Runs in a page, so it uses nothing of this file. */
export function readPixels(
  element: unknown,
): { readonly width: number; readonly height: number; readonly data: string } | undefined {
  const source = element as any;
  const { width, height } = source;
  if (width === 0 || height === 0 || !source.checkVisibility({ opacityProperty: true })) return undefined;
  const image = source.getContext('2d').getImageData(0, 0, width, height);
  let binary = '';
  for (let at = 0; at < image.data.length; at += 32_768)
    binary += String.fromCharCode(...image.data.subarray(at, at + 32_768));
  return { width, height, data: btoa(binary) };
}

/** Types into the machine through the canvas. The sign-in page has its cursor in the field already. */
export async function typeIntoCanvas(page: Page, text: string): Promise<void> {
  await viewerCanvas(page).focus();
  await page.keyboard.type(text, { delay: 40 });
}

/** Keeps a picture of a step in `e2e/out/`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = join(repository, 'e2e', 'out');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
