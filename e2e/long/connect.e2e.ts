import { vendorStateSchema } from '@sallyport/testkit/vendors';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import type { Api, PromptRun } from '../support/api.ts';
import { openBrowser, readCodeFromCanvas, screenshot, typeIntoCanvas } from '../support/browser.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { makeDataDirectoryWithImages } from '../support/images.ts';
import { processesOf, untilNoProcessOf } from '../support/processes.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/**
 * The whole mission with virtual machines: log in inside one of them by clicks through the viewer, have the login put on the disk
 * of another one that is off, and run prompts there through refreshes, sleep and a crash.
 */
describe('a user whose machines are virtual ones', () => {
  let server: DemoServer;
  let api: Api;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const dataDirectory = await makeDataDirectoryWithImages();
    // It reads the images through before it uses them.
    server = await startDemoServer({ config: 'e2e/configs/qemu.config.ts', dataDirectory });
    api = createApi(server.origin);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    await page.goto(server.origin);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (!server) return;
    await untilNoProcessOf(server.dataDirectory);
    await removeDataDirectory(server.dataDirectory);
  });

  const vendor = async (name: string) => vendorStateSchema.parse((await server.internet.state())[name]);

  async function prompt(provider: string, text: string): Promise<PromptRun> {
    const run = await api.prompt({ provider, prompt: text });
    expect(run.end, JSON.stringify(run.events)).toMatchObject({ outcome: 'completed' });
    return run;
  }

  const machines = async (): Promise<readonly { vmId: string; type: string; status: string }[]> =>
    (await api.get('/api/vms')).body;

  async function cliMachine(): Promise<{ vmId: string; status: string }> {
    const found = (await machines()).filter(({ type }) => type === 'cli');
    expect(found).toHaveLength(1);
    return found[0] ?? expect.fail('no machine');
  }

  /** The monitors that run for this server. */
  const monitors = async () =>
    (await processesOf(server.dataDirectory)).filter(({ command }) => command.includes('qemu-system'));

  it.each([
    { provider: 'codex', title: 'Connect Codex', from: 'openai' },
    { provider: 'claude_code', title: 'Connect Claude Code', from: 'anthropic' },
  ])(
    'signs in to $provider on the screen of a machine that is gone afterwards',
    async ({ provider, title, from }) => {
      await page.getByRole('button', { name: title }).click();
      const code = await readCodeFromCanvas(page);
      await screenshot(page, `machines-${provider}-sign-in`);
      await typeIntoCanvas(page, code);
      await page.keyboard.press('Enter');
      await poll(`${provider} to be connected`, async () => {
        const { body } = await api.get('/api/providers');
        return body.find(({ id }: { id: string }) => id === provider).connected ? true : undefined;
      });
      const login = (await vendor(from)).logins.at(-1);
      expect(login).toMatchObject({ outcome: 'approved', code, strangers: [] });
      expect(login?.machineId).toMatch(/^m-/);
      await poll('the machine of the login to be gone', async () =>
        (await machines()).some(({ vmId }) => vmId === login?.machineId) ? undefined : true,
      );
      expect((await monitors()).filter(({ command }) => command.includes(String(login?.machineId)))).toEqual([]);
      await page.reload();
    },
    2 * HANG_LIMIT_MS,
  );

  it('gets answers of both from one machine, on whose disk the logins were before it ran', async () => {
    expect((await prompt('codex', 'What is a sally port?')).text).toContain('You said: What is a sally port?');
    const write = await prompt('claude_code', '[[write note.txt: two doors]]');
    expect(write.events.some((event) => event.type === 'tool-end' && event.ok)).toBe(true);
    expect((await cliMachine()).status).toBe('running');
    // What one CLI has made, the other one reads.
    expect((await prompt('codex', '[[read note.txt]]')).text).toContain('two doors');
  });

  it('has each refreshed login stored, from the running machine', async () => {
    const version = async (): Promise<number> =>
      (await api.get('/api/credentials')).body.find(({ provider }: { provider: string }) => provider === 'codex')
        .version;
    const before = await version();
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    await prompt('codex', 'Say hello after a refresh.');
    await poll('the refreshed login to be stored', async () => ((await version()) > before ? true : undefined));
  });

  it('has the machine sleep, in which nothing of it runs, and wakes it with the next prompt', async () => {
    const { vmId: id } = await cliMachine();
    expect((await api.post(`/api/vms/${id}/hibernate`)).status).toBeLessThan(300);
    expect((await cliMachine()).status).toBe('hibernated');
    expect((await monitors()).filter(({ command }) => command.includes(id))).toEqual([]);
    const run = await prompt('claude_code', '[[read note.txt]]');
    expect(run.text).toContain('two doors');
    expect(run.events).toContainEqual(expect.objectContaining({ message: 'Your machine is being woken.' }));
    expect((await cliMachine()).vmId).toBe(id);
  });

  it('loses nothing when the monitor of the machine is killed after a refresh', async () => {
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    await prompt('codex', 'Say hello after another refresh.');
    const { vmId: id } = await cliMachine();
    const [monitor, ...others] = (await monitors()).filter(({ command }) => command.includes(id));
    expect(others).toEqual([]);
    process.kill(monitor?.pid ?? expect.fail('no monitor'), 'SIGKILL');
    await poll('the end of the machine to be noticed', async () =>
      (await cliMachine()).status === 'running' ? undefined : true,
    );
    expect((await prompt('codex', 'Are you there again?')).text).toContain('Are you there again?');
    expect((await prompt('claude_code', '[[read note.txt]]')).text).toContain('two doors');
    expect((await cliMachine()).vmId).toBe(id);
  });

  it('has been one and the same to the vendors, at sign-in and at work, and has presented no refresh token twice', async () => {
    const log = await server.internet.log();
    expect(new Set(log.map(({ userId }) => userId)).size).toBe(1);
    expect(new Set(log.map(({ purpose }) => purpose))).toEqual(new Set(['sign-in', 'work']));
    for (const name of ['openai', 'anthropic']) {
      const { families, logins } = await vendor(name);
      expect(families.map(({ revokedBecause }) => revokedBecause).filter((reason) => reason !== null)).toEqual([]);
      expect(logins.flatMap(({ strangers }) => strangers)).toEqual([]);
    }
  });
});
