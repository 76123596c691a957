import { readdirSync, readFileSync } from 'node:fs';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { openBrowser, screenshot } from '../support/browser.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** A user hands over an API key on the page, and the real Codex CLI answers with it. */
describe('an API key', () => {
  let server: DemoServer;
  let api: Api;
  let browser: Browser;
  let page: Page;
  let key: string;

  beforeAll(async () => {
    server = await startDemoServer();
    api = createApi(server.origin);
    key = z.object({ apiKey: z.string() }).parse((await server.internet.state())['openai']).apiKey;
    browser = await openBrowser();
    page = await browser.newPage();
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(server.origin);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  it('is found on the page of the vendor, refused while it is mistyped, and then connects at once', async () => {
    await page.getByRole('button', { name: 'Use an OpenAI API key' }).click();
    const link = page.getByRole('link', { name: 'Where to find or make one' });
    expect(await (await fetch((await link.getAttribute('href')) ?? '')).text()).toContain(key);
    const field = page.getByLabel('API key (OPENAI_API_KEY)');
    await field.fill('sk-ant-of-another-vendor');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('That does not look like a value for OPENAI_API_KEY.').waitFor();
    await screenshot(page, 'api-key-refused');
    await field.fill(` ${key} `);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('with an API key').waitFor();
    await screenshot(page, 'api-key-connected');
    const { body } = await api.get('/api/credentials');
    expect(body).toMatchObject([{ provider: 'codex', kind: 'api-key', valid: true }]);
    expect(JSON.stringify(body)).not.toContain(key);
  });

  it('answers prompts, and stands in no command line and no environment of this host', async () => {
    const held = new Set<string>();
    const looking = setInterval(() => lookFor(key, held), 50);
    const response = await fetch(`${server.origin}/api/vm/cli/prompt`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ provider: 'codex', prompt: '[[slow 20]]' }),
    });
    const answer = await response.text();
    clearInterval(looking);
    expect(answer).toContain('word20');
    expect(answer).toContain('"outcome":"completed"');
    expect([...held]).toEqual([]);
    expect(server.output()).not.toContain(key);
  });

  it('is imported by a program, and then answers prompts where it is the right one', async () => {
    const userId = 'imported';
    const importKey = (value: string) => api.post('/api/credentials/codex', { userId, files: { api_key: value } });
    const stored = await importKey(`${key}x`);
    expect(stored.status).toBe(201);
    expect(JSON.stringify(stored.body)).not.toContain(key);
    const ask = () => api.prompt({ provider: 'codex', prompt: 'Say hello.', userId });
    // The prompt runs with what was imported: the vendor does not know this key.
    expect((await ask()).end).toMatchObject({ outcome: 'relogin-needed' });
    expect((await importKey(key)).status).toBe(201);
    expect((await api.get(`/api/credentials?userId=${userId}`)).body).toMatchObject([
      { provider: 'codex', kind: 'api-key', valid: true },
    ]);
    const { text, end } = await ask();
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(text).toContain('Say hello.');
    expect(server.output()).not.toContain(key);
  });

  it('does not make way for a plan login, nor for a file from elsewhere, without being told to', async () => {
    expect(await api.post('/api/auth/start', { provider: 'codex' })).toMatchObject({
      status: 409,
      body: { code: 'CREDENTIAL_EXCLUDED', details: { connected: 'api-key', offered: 'plan' } },
    });
    const started = await api.post('/api/auth/start', { provider: 'codex', method: 'device-code', replace: true });
    expect(started.status).toBe(201);
    await api.post(`/api/auth/session/${started.body.sessionId}/cancel`, {});
    expect((await api.get('/api/credentials')).body).toMatchObject([{ kind: 'api-key', valid: true }]);
  });
});

function lookFor(text: string, held: Set<string>): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    for (const file of ['cmdline', 'environ']) {
      try {
        if (readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text)) held.add(`${file} of ${pid}`);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}
