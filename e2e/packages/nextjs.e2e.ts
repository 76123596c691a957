import { execFile } from 'node:child_process';
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBrowser, readCodeFromCanvas, screenshot, typeIntoCanvas } from '../support/browser.ts';
import { startExample } from '../support/example.ts';
import type { Example } from '../support/example.ts';
import { repository } from '../support/server.ts';

/** `examples/nextjs`, copied out of the repository, installed from its lock file, built and started as its README says. */
describe('examples/nextjs', () => {
  let directory: string;
  let example: Example;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-nextjs-')));
    const left = /^(node_modules|\.next|next-env\.d\.ts)$/;
    const filter = (path: string): boolean => !left.test(path.split('/').at(-1) ?? '');
    await cp(join(repository, 'examples/nextjs'), directory, { recursive: true, filter });
    const run = promisify(execFile);
    // npm keeps the operator's settings, and Next.js sees no `NODE_ENV` of the test runner.
    const install = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await run('npm', install, { cwd: directory });
    const { PATH, HOME } = process.env;
    const next = 'node_modules/next/dist/bin/next';
    const env = { PATH, HOME, NEXT_TELEMETRY_DISABLED: '1' };
    await run(process.execPath, [next, 'build'], { cwd: directory, env });
    const args = (port: string): readonly string[] => [next, 'start', '--hostname', 'localhost', '--port', port];
    example = await startExample({ cwd: directory, args });
    browser = await openBrowser('--test-third-party-cookie-phaseout');
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    page = await context.newPage();
  });

  afterAll(async () => {
    await browser?.close();
    await example?.stop();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  it('logs in with the element, whose event changes the page', async () => {
    await page.goto(example.origin);
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    await typeIntoCanvas(page, await readCodeFromCanvas(page));
    await page.keyboard.press('Enter');
    await page.getByText('codex is connected now.').waitFor();
    await screenshot(page, 'nextjs');
  });

  it('gives a token to no other page, and its API key to none', async () => {
    const answer = await fetch(`${example.origin}/token`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect([answer.status, await answer.text()]).toEqual([404, '']);
    expect(await page.content()).not.toContain(example.key);
  });
});
