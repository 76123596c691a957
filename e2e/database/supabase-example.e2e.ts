import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createFakeProvider, writeFakeCli } from '@sallyport/testkit';
import { createClient } from '@supabase/supabase-js';
import { Client } from 'pg';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preview } from 'vite';
import type { PreviewServer } from 'vite';

import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { openBrowser, screenshot } from '../support/browser.ts';
import { plantCliDirectory } from '../support/cli-folder.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import type { DebianPostgres } from '../support/debian-postgres.ts';
import { startSupabaseProject, supabaseRoles } from '../support/postgrest.ts';
import type { SupabaseProject } from '../support/postgrest.ts';
import { repository, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';
import { createSupabaseAuth, forge } from '../support/supabase-auth.ts';
import type { SupabaseAuth, SupabaseUser } from '../support/supabase-auth.ts';

const user = (name: string): SupabaseUser => ({
  id: randomUUID(),
  email: `${name}@example.com`,
  password: `${name}-${randomUUID()}`,
});

/** `examples/supabase` as its README says: a project, its Auth, a server on its database, and the page on a third origin. */
describe('examples/supabase', () => {
  const [ada, bob] = [user('ada'), user('bob')];
  const example = join(repository, 'examples/supabase');
  let work: string;
  let postgres: DebianPostgres;
  let project: SupabaseProject;
  let auth: SupabaseAuth;
  let pages: PreviewServer;
  let server: DemoServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'sallyport-supabase-example-'));
    postgres = await startDebianPostgres();
    await prepareDatabase();
    project = await startSupabaseProject(postgres.connection, 'public,sallyport', (issuer) => {
      auth = createSupabaseAuth(issuer, [ada, bob]);
      return auth;
    });
    const outDir = join(work, 'dist');
    await mkdir(outDir);
    pages = await preview({
      root: example,
      configFile: false,
      logLevel: 'error',
      build: { outDir },
      preview: { host: 'localhost', port: 0 },
    });
    const dataDirectory = join(work, 'data');
    await mkdir(dataDirectory, { mode: 0o711 });
    await writeFakeCli(await plantCliDirectory(dataDirectory, createFakeProvider().manifest), {}, '/usr/bin/env node');
    const { host, port, user: owner, database } = postgres.connection;
    server = await startDemoServer({
      dataDirectory,
      config: 'e2e/configs/supabase.config.ts',
      environment: {
        DATABASE_URL: `postgres://${owner}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`,
        SUPABASE_PROJECT: project.url,
        PRODUCT_ORIGIN: origin(),
      },
    });
    await build(outDir);
    browser = await openBrowser();
    page = await newPage();
  });

  afterAll(async () => {
    await browser?.close();
    await pages?.close();
    await server?.stop();
    await project?.stop();
    await postgres?.stop();
    await rm(work, { recursive: true, force: true, maxRetries: 5 });
  });

  async function prepareDatabase(): Promise<void> {
    const client = new Client(postgres.connection);
    await client.connect();
    await client.query(supabaseRoles);
    await client.end();
    await migrate({ connection: postgres.connection });
  }

  const origin = (): string => {
    const address = pages.httpServer.address();
    return `http://localhost:${typeof address === 'object' && address?.port}`;
  };

  async function build(outDir: string): Promise<void> {
    const { PATH, HOME } = process.env;
    const vite = join(repository, 'node_modules/vite/bin/vite.js');
    await promisify(execFile)(process.execPath, [vite, 'build', '--outDir', outDir], {
      cwd: example,
      env: {
        PATH,
        HOME,
        VITE_SUPABASE_URL: project.url,
        VITE_SUPABASE_PUBLISHABLE_KEY: auth.publishableKey,
        VITE_SALLYPORT_URL: server.origin,
        VITE_SALLYPORT_PROVIDER: 'fake',
      },
    });
  }

  const newPage = async (): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    return context.newPage();
  };

  async function signIn(who: SupabaseUser): Promise<void> {
    await page.getByLabel('Email').fill(who.email);
    await page.getByLabel('Password').fill(who.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  }

  const problem = () => page.locator('#problem');
  const cells = async (caption: string): Promise<readonly string[]> =>
    page.getByRole('table', { name: caption }).getByRole('cell').allTextContents();

  /** supabase-js in a program, with this token alone. */
  const withToken = (token: string) =>
    createClient(project.url, auth.publishableKey, { accessToken: async () => token, db: { schema: 'sallyport' } });

  it('refuses a wrong password, and shows nothing of Sallyport before the user has signed in', async () => {
    await page.goto(origin());
    await signIn({ ...ada, password: 'guessed' });
    await problem().getByText('Invalid login credentials').waitFor();
    expect(await page.locator('sallyport-connect').count()).toBe(0);
  });

  it('signs in with the project’s Auth, and connects with the user’s own JWT', async () => {
    await signIn(ada);
    await page.getByText(ada.email).waitFor();
    await page.getByRole('button', { name: 'Use an API key' }).click();
    await page.getByLabel('API key').fill('fk-of-ada-0001');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Disconnect' }).waitFor();
    await screenshot(page, 'supabase-1-connected');
  });

  it('sends a prompt, and shows the answer', async () => {
    await page.getByLabel('Prompt').fill('What is a sally port?');
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.getByText('You said: What is a sally port?').waitFor();
  });

  it('reads her own rows from PostgREST', async () => {
    await expect.poll(() => cells('Prompts')).toContain('completed');
    expect(await cells('Logins')).toEqual([expect.any(String), 'fake', 'api-key', 'completed', expect.any(String)]);
    expect(await cells('Machines')).toContain('cli');
    expect(await cells('Credentials')).toEqual(expect.arrayContaining(['fake', 'api-key', 'true']));
    expect(await problem().textContent()).toBe('');
    await screenshot(page, 'supabase-2-rows');
  });

  it('keeps her signed in when the page is loaded again', async () => {
    await page.reload();
    await page.getByText(ada.email).waitFor();
    await expect.poll(() => cells('Prompts')).toContain('completed');
  });

  it('shows the next user who signs in on the page nothing of hers', async () => {
    const adasPrompts = await cells('Prompts');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Email').waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    await signIn(bob);
    await page.getByText(bob.email).waitFor();
    await page.getByRole('button', { name: 'Use an API key' }).waitFor();
    await page.getByRole('table', { name: 'Credentials' }).waitFor({ state: 'attached' });
    expect(await page.getByRole('cell').count()).toBe(0);
    const text = await page.locator('body').innerText();
    for (const hers of [ada.email, ada.id, adasPrompts[0] ?? '']) expect(text).not.toContain(hers);
    await screenshot(page, 'supabase-3-next-user');
  });

  it('gives him none of her rows when he asks for them by her id', async () => {
    const hers = withToken(auth.sign(auth.claimsOf(ada)));
    const his = withToken(auth.sign(auth.claimsOf(bob)));
    const ids = {
      auth_sessions: 'session_id',
      prompts: 'prompt_id',
      vms: 'vm_id',
      provider_credentials: 'credential_id',
    };
    for (const [table, id] of Object.entries(ids)) {
      const own = await hers.from(table).select(id);
      expect({ table, error: own.error }).toEqual({ table, error: null });
      const values = (own.data ?? []).map((row) => String(Reflect.get(row, id)));
      expect(values.length, table).toBeGreaterThan(0);
      for (const asked of [his.from(table).select(id).eq('user_id', ada.id), his.from(table).select(id).in(id, values)])
        expect({ table, data: (await asked).data }).toEqual({ table, data: [] });
    }
  });

  it.each([
    ['has expired', () => auth.sign({ ...auth.claimsOf(ada), exp: 1 }), 'JWT expired', 'This token has expired.'],
    [
      'is one of his with her id in it',
      () => forge(auth.sign(auth.claimsOf(bob)), { sub: ada.id }),
      'JWSError JWSInvalidSignature',
      'This token is not valid.',
    ],
  ])('says clearly that a token is refused which %s', async (_how, makeToken, ofPostgrest, ofServer) => {
    const stolen = {
      access_token: makeToken(),
      refresh_token: 'unknown',
      token_type: 'bearer',
      expires_in: 3600,
      // The browser believes it: only the services can tell.
      expires_at: Math.floor(Date.now() / 1000) + 3600,
      user: { id: ada.id, email: ada.email },
    };
    page = await newPage();
    await page.goto(origin());
    await page.evaluate((session) => localStorage.setItem('sb-127-auth-token', session), JSON.stringify(stolen));
    await page.reload();
    await problem().getByText(`Your session is not accepted. Sign out and sign in again. (${ofPostgrest})`).waitFor();
    await page.locator('sallyport-connect').getByText(ofServer).waitFor();
    await page.getByLabel('Prompt').fill('Hello');
    await page.getByRole('button', { name: 'Ask' }).click();
    await problem().getByText(`Your session is not accepted. Sign out and sign in again. (${ofServer})`).waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    await screenshot(page, `supabase-4-${ofPostgrest.replaceAll(/\W+/g, '-')}`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Email').waitFor();
    expect(await problem().textContent()).toBe('');
  });
});
