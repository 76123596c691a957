import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { openBrowser, readCodeFromCanvas, screenshot } from '../support/browser.ts';
import { auditPage, tabOrder } from '../support/page-audit.ts';
import { loginStatus, visitSignInPage } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

const looks = [
  { name: 'wide and light', viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  { name: 'a phone in the dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
] as const;

/** What can be reached with the keyboard in the cards below that of Codex. */
const otherProviders = [
  'terms',
  'Connect Claude Code',
  'Use an Anthropic API key',
  'Use a token from claude setup-token',
  'terms',
  'Connect Gemini CLI',
  'Use a Google AI Studio API key',
];

/** Each state of the page: readable, named, reachable with the keyboard, and within the screen. */
describe.each(looks)('the page, $name', ({ name, viewport, colorScheme }) => {
  let server: DemoServer;
  let person: Person;
  let browser: Browser;
  let page: Page;
  let pictures = 0;

  beforeAll(async () => {
    server = await startDemoServer({ config: 'sallyport.demo.config.ts' });
    person = { api: createApi(server.origin), server };
    browser = await openBrowser();
    page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
    page.on('dialog', (dialog) => void dialog.accept());
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  async function look(what: string): Promise<void> {
    pictures += 1;
    await screenshot(page, `page-${viewport.width}-${pictures}-${what}`);
    expect(await auditPage(page), `${what}, ${name}`).toEqual([]);
  }

  const currentLogin = (): Promise<string> =>
    poll('a login to be under way', () =>
      page.evaluate(() => globalThis.sessionStorage.getItem('sallyport.session.codex') ?? undefined),
    );

  async function tryWay(title: RegExp): Promise<void> {
    const select = page.getByRole('combobox', { name: 'Another way to log in' });
    const titles = await select.getByRole('option').allTextContents();
    expect(new Set(titles).size).toBe(titles.length);
    await select.selectOption({ label: titles.find((each) => title.test(each)) ?? '' });
    await page.getByRole('button', { name: 'Try another way' }).click();
  }

  it('begins with what can be connected', async () => {
    await page.goto(server.origin);
    await page.getByRole('button', { name: 'Connect Codex' }).waitFor();
    await look('providers');
    expect(await tabOrder(page)).toEqual([
      'Skip to the providers',
      'terms',
      'Connect Codex',
      'Use an OpenAI API key',
      ...otherProviders,
    ]);
  });

  it("shows the login machine's screen", async () => {
    await page.getByRole('button', { name: 'Connect Codex' }).click();
    await readCodeFromCanvas(page);
    await look('screen');
    await page.getByText('cannot be shown here').waitFor({ state: 'hidden' });
  });

  it('takes the offer of other ways back once the screen is there after all', async () => {
    const first = await currentLogin();
    await page.route('**/ticket', (route) => route.abort());
    await page.reload();
    await page.getByText('cannot be shown here').waitFor();
    await look('no-screen');
    await page.unroute('**/ticket');
    await page.getByText('cannot be shown here').waitFor({ state: 'hidden' });
    expect(await currentLogin()).toBe(first);
  });

  it('shows a link for the own browser', async () => {
    await tryWay(/own browser/);
    await page.getByRole('link', { name: 'Open the sign-in page' }).waitFor();
    await look('link');
  });

  it('shows a code to type on another device', async () => {
    await tryWay(/with a code/);
    await page.getByText('type this code').waitFor();
    await look('code');
  });

  it('says what went wrong', async () => {
    await visitSignInPage(person, await loginStatus(person, await currentLogin()), 'deny');
    await page.getByText('The login did not work').waitFor();
    await look('denied');
  });

  it('shows that it is connected, and leaves the focus away from Disconnect', async () => {
    await tryWay(/with a code/);
    await page.getByText('type this code').waitFor();
    await visitSignInPage(person, await loginStatus(person, await currentLogin()), 'approve');
    await page.getByText('Connected', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Disconnect' }).evaluate((button) => button.matches(':focus'))).toBe(
      false,
    );
    await look('connected');
    expect(await tabOrder(page)).toEqual(['Disconnect', ...otherProviders, 'Prompt', 'It may', 'Send']);
  });

  it('shows answers, tools and failures', async () => {
    const say = async (text: string, until: string): Promise<void> => {
      await page.getByRole('textbox', { name: 'Prompt' }).fill(text);
      await page.getByRole('button', { name: /Send|Continue/ }).click();
      await page.getByText(until).last().waitFor();
    };
    await say('What is a sally port?', 'You said: What is a sally port?');
    await say('[[write note.txt: two doors]]', 'I have written note.txt');
    await page.locator('details.tool summary').first().click();
    await look('answers');
    await server.internet.setFaults({
      openai: { refreshFail: 'refresh_token_expired', accessExpiredBefore: Date.now() },
    });
    await say('Are you still there?', 'No answer');
    await page.getByRole('button', { name: 'Log in again' }).waitFor();
    await look('log-in-again');
  });
});
