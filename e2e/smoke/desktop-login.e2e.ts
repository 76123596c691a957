import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { openBrowser, readCodeFromCanvas, screenshot, typeIntoCanvas } from '../support/browser.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/**
 * The whole mission in one run: click Connect, log in inside the machine's browser, prompt, let a tool write a
 * file, restart, let the token rotate, restart, prompt again.
 */
describe("a user connects Codex through the login machine's own browser", () => {
  let server: DemoServer;
  let api: Api;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    server = await startDemoServer();
    api = createApi(server.origin);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  async function restart(): Promise<void> {
    const { dataDirectory } = server;
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    server = await startDemoServer({ dataDirectory });
    api = createApi(server.origin);
  }

  it('sees the providers, and the page prepares for the click', async () => {
    const prepared = page.waitForResponse((response) => response.url().endsWith('/api/auth/prepare'));
    await page.goto(server.origin);
    expect((await prepared).status()).toBe(202);
    await page
      .getByRole('button', { name: /connect/i })
      .first()
      .waitFor();
    await screenshot(page, '1-providers');
  });

  it("signs in on the vendor's page, which is painted in the viewer and nowhere else", async () => {
    await page
      .getByRole('button', { name: /connect/i })
      .first()
      .click();
    const code = await readCodeFromCanvas(page);
    await screenshot(page, '2-sign-in-page');
    expect((await server.openai()).logins.at(-1)?.code).toBe(code);

    await typeIntoCanvas(page, code);
    await screenshot(page, '3-code-typed');
    await page.keyboard.press('Enter');

    await poll('Codex to be connected', async () => {
      const { body } = await api.get('/api/providers');
      return body[0].connected ? true : undefined;
    });
    await page
      .getByText(/connected/i)
      .first()
      .waitFor();
    await screenshot(page, '4-connected');
  });

  it("was seen by the vendor through that machine's egress alone", async () => {
    const login = (await server.openai()).logins.at(-1);
    expect(login).toMatchObject({ outcome: 'approved', strangers: [] });
    expect(login?.machineId).toMatch(/^m-/);
    const { body: machines } = await api.get('/api/vms');
    expect(machines.filter((machine: { type: string }) => machine.type === 'browser')).toEqual([]);
  });

  it('prompts, and the answer streams into the page', async () => {
    const box = page.getByRole('textbox', { name: /prompt/i });
    await box.fill('What is a sally port?');
    await page
      .getByRole('button', { name: /send|run/i })
      .first()
      .click();
    await page.getByText('You said: What is a sally port?').first().waitFor();
    await screenshot(page, '5-answer');
  });

  it('lets a tool write a file that the next prompt, after a restart, reads', async () => {
    const write = await api.prompt({ provider: 'codex', prompt: '[[write note.txt: two doors]]' });
    expect(write.end).toMatchObject({ outcome: 'completed' });
    expect(write.events.some((event) => event.type === 'tool-end' && event.ok)).toBe(true);
    await restart();
    const read = await api.prompt({ provider: 'codex', prompt: '[[read note.txt]]' });
    expect(read.text).toContain('two doors');
  });

  it('stores the version the CLI refreshed to, and never presents the old refresh token again', async () => {
    const before = (await api.get('/api/credentials')).body[0];
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    const run = await api.prompt({ provider: 'codex', prompt: 'Say hello after a refresh.' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    const after = await poll('the rotated credential to be stored', async () => {
      const { body } = await api.get('/api/credentials');
      return body[0].version > before.version ? body[0] : undefined;
    });
    expect(after.valid).toBe(true);
    const family = (await server.openai()).families.at(-1);
    expect(family).toMatchObject({ revokedBecause: null });
    expect(family?.refreshes).toBeGreaterThan(0);
  });

  it('goes on with the rotated login after another restart', async () => {
    await restart();
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    const run = await api.prompt({ provider: 'codex', prompt: 'Say hello once more.' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    expect((await server.openai()).families.every((family) => family.revokedBecause === null)).toBe(true);
  });

  it('continues a conversation', async () => {
    const first = await api.prompt({ provider: 'codex', prompt: 'Remember the word portcullis.' });
    expect(first.conversationId).toBeDefined();
    const second = await api.prompt({ provider: 'codex', prompt: 'Which word?', conversationId: first.conversationId });
    expect(second.end).toMatchObject({ outcome: 'completed' });
    expect(second.conversationId).toBe(first.conversationId);
  });
});
