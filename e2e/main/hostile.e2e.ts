import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { manifest as codex } from '@sallyport/provider-codex';
import { createFakeProvider, writeFakeCli } from '@sallyport/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { openBrowser, readCodeFromCanvas, screenshot, typeIntoCanvas, untilCodeIsGone } from '../support/browser.ts';
import { makeBareDataDirectory, plantCliDirectory, plantCliScript } from '../support/cli-folder.ts';
import { loginStatus, signIn, startLogin, untilEnded, untilPhase, visitSignInPage } from '../support/person.ts';
import type { LoginStatus, Person } from '../support/person.ts';
import { machineDirectories, untilNoProcessOf } from '../support/processes.ts';
import { createBrokenRegistry } from '../support/registry.ts';
import { poll, removeDataDirectory, repository, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** What users, programs and hosts get wrong: each has its own clear error, and nothing is lost. */

async function withServer(
  options: NonNullable<Parameters<typeof startDemoServer>[0]>,
  test: (person: Person) => Promise<void>,
): Promise<void> {
  const server = await startDemoServer(options);
  try {
    await test({ api: createApi(server.origin), server });
  } finally {
    await server.stop();
    await untilNoProcessOf(server.dataDirectory);
    await removeDataDirectory(server.dataDirectory);
  }
}

describe('a request', () => {
  let server: DemoServer;
  let api: Api;
  let person: Person;

  beforeAll(async () => {
    server = await startDemoServer();
    api = createApi(server.origin);
    person = { api, server };
    await signIn(person);
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  it.each([
    ['a login', '/api/auth/start', { provider: 'codecs' }],
    ['a prompt', '/api/vm/cli/prompt', { provider: 'codecs', prompt: 'Hello' }],
  ])('of %s for a provider nobody knows is answered with those that are known', async (_what, path, body) => {
    const answer = await api.post(path, body);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer).toMatchObject({
      status: 404,
      body: {
        code: 'PROVIDER_UNKNOWN',
        detail: expect.stringContaining('codex'),
        details: { known: expect.arrayContaining(['codex']) },
        hint: expect.stringContaining('/api/providers'),
      },
    });
  });

  it('for a method nobody has is answered with those that work', async () => {
    expect(await api.post('/api/auth/start', { provider: 'codex', method: 'telepathy' })).toMatchObject({
      status: 422,
      body: { code: 'LOGIN_METHOD_UNAVAILABLE', details: { available: expect.arrayContaining(['device-code']) } },
    });
  });

  it('for a prompt from a user who has connected nothing says so', async () => {
    const answer = await api.post('/api/vm/cli/prompt', { provider: 'codex', prompt: 'Hello', userId: 'nobody' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'CREDENTIAL_NOT_CONNECTED' } });
  });

  it('with a prompt of 300 KiB is carried out whole', async () => {
    const length = 300 * 1024;
    const run = await api.prompt({ provider: 'codex', prompt: 'x'.repeat(length) });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    expect(run.text).toContain(`(${length} characters)`);
  });

  it('with a prompt over the limit is refused with the limit, and one with a boundless body too', async () => {
    const prompt = 'x'.repeat(1024 * 1024 + 1);
    expect(await api.post('/api/vm/cli/prompt', { provider: 'codex', prompt })).toMatchObject({
      status: 413,
      body: { code: 'PROMPT_TOO_LARGE', detail: expect.stringContaining(String(1024 * 1024)) },
    });
    const boundless = { provider: 'codex', prompt: 'x'.repeat(9 * 1024 * 1024) };
    expect(await api.post('/api/vm/cli/prompt', boundless)).toMatchObject({
      status: 413,
      body: { code: 'REQUEST_TOO_LARGE' },
    });
    expect((await api.prompt({ provider: 'codex', prompt: 'Still there?' })).end.outcome).toBe('completed');
  });

  it('of a second login while one is under way names the first', async () => {
    const second: Person = { ...person, userId: 'twice' };
    const sessionId = await startLogin(second, 'device-code');
    expect(await api.post('/api/auth/start', { provider: 'codex', userId: 'twice' })).toMatchObject({
      status: 409,
      body: { code: 'LOGIN_IN_PROGRESS', details: { sessionId } },
    });
    expect((await api.post(`/api/auth/session/${sessionId}/cancel`)).status).toBe(204);
  });
});

describe("a provider's CLI", () => {
  it('that cannot be installed ends the login with the reason, and the next try installs it', async () => {
    const dataDirectory = await makeBareDataDirectory();
    const registry = await createBrokenRegistry('refuses');
    await withServer({ dataDirectory, environment: registry.environment }, async (person) => {
      const ended = await untilEnded(person, await startLogin(person, 'device-code'));
      expect(ended).toMatchObject({
        status: 'failed',
        errorCode: 'PROVIDER_CLI_MISSING',
        errorMessage: expect.stringContaining('@openai/codex'),
        errorHint: expect.stringContaining('ECONNREFUSED'),
      });
      await registry.repair();
      // What was fetched before need not be fetched again; the installation itself is a real one.
      const [cache, shared] = ['.npm-cache', 'node_modules/.cache/sallyport/e2e-clis/.npm-cache'];
      await rm(join(dataDirectory, 'clis', cache), { recursive: true, force: true });
      await mkdir(join(repository, shared), { recursive: true });
      await symlink(join(repository, shared), join(dataDirectory, 'clis', cache));
      await signIn(person, 'device-code');
    });
    await registry.close();
  });

  it('that crashes is named with its exit code, at a login and at a prompt', async () => {
    const dataDirectory = await makeBareDataDirectory();
    await plantCliScript(dataDirectory, codex, 'echo "out of cheese" >&2; exit 3');
    await withServer({ dataDirectory }, async (person) => {
      const ended = await untilEnded(person, await startLogin(person, 'device-code'));
      expect(ended).toMatchObject({
        status: 'failed',
        errorCode: 'LOGIN_CLI_CRASHED',
        errorMessage: expect.stringMatching(/exit code 3.*out of cheese/s),
      });
      const jwt = `e30.${Buffer.from(JSON.stringify({ email: 'person@example.org' })).toString('base64url')}.c2ln`;
      const tokens = { id_token: jwt, access_token: jwt, refresh_token: 'refresh-me-not', account_id: 'account' };
      const files = { auth: JSON.stringify({ auth_mode: 'chatgpt', tokens, last_refresh: new Date().toISOString() }) };
      expect(await person.api.post('/api/credentials/codex', { files })).toMatchObject({ status: 201 });
      const run = await person.api.prompt({ provider: 'codex', prompt: 'Hello' });
      expect(run.end).toMatchObject({
        outcome: 'failed',
        code: 'PROMPT_FAILED',
        message: expect.stringMatching(/exit code 3|out of cheese/),
      });
    });
  });
});

describe("the machine's own browser", () => {
  it('is still there after the page was closed and opened again, and after a callback with another state', async () => {
    await withServer({}, async (person) => {
      const { api, server } = person;
      const browser = await openBrowser();
      try {
        const first = await browser.newPage();
        await first.goto(server.origin);
        await first
          .getByRole('button', { name: /connect/i })
          .first()
          .click();
        const code = await readCodeFromCanvas(first);
        await first.close();

        const page = await browser.newPage();
        await page.goto(server.origin);
        await page
          .getByRole('button', { name: /connect/i })
          .first()
          .click();
        expect(await readCodeFromCanvas(page)).toBe(code);
        await page.reload();
        expect(await readCodeFromCanvas(page)).toBe(code);

        await server.internet.setFaults({ openai: { wrongState: true } });
        await typeIntoCanvas(page, code);
        await page.keyboard.press('Enter');
        await poll('the vendor to approve', async () =>
          (await server.openai()).logins.at(-1)?.outcome === 'approved' ? true : undefined,
        );
        await server.internet.setFaults({ openai: { wrongState: false } });

        // The browser shows how the CLI refused that callback. The CLI goes on waiting, so the user can still decide.
        await untilCodeIsGone(page);
        const { body } = await api.post('/api/auth/start', { provider: 'codex' });
        expect(body).toMatchObject({ code: 'LOGIN_IN_PROGRESS' });
        expect(await loginStatus(person, body.details.sessionId)).toMatchObject({ phase: 'awaiting-user' });
        await screenshot(page, 'wrong-state');
        await page
          .getByRole('button', { name: /^cancel$/i })
          .first()
          .click();
        await page
          .getByRole('button', { name: /connect codex/i })
          .first()
          .waitFor();
        expect(
          (await api.get('/api/vms')).body.filter((machine: { type: string }) => machine.type === 'browser'),
        ).toEqual([]);
        await signIn(person);
      } finally {
        await browser.close();
      }
    });
  });
});

describe('a user who walks away', () => {
  it('is asked first, and ends the login by not answering; who answers gets more time', async () => {
    await withServer({ config: 'e2e/configs/impatient.config.ts' }, async ({ api, server }) => {
      const gone: Person = { api, server, userId: 'gone' };
      const slow: Person = { api, server, userId: 'slow' };
      const [goneId, slowId] = [await startLogin(gone, 'device-code'), await startLogin(slow, 'device-code')];
      const asked: string[] = [];
      const follow = (id: string): Promise<void> =>
        api.sessionEvents(id, async (event) => {
          if (event.type !== 'prompt') return;
          asked.push(`${id} ${event.message}`);
          expect(event.data).toMatchObject({ promptId: 'still_there', choices: ['I am still here'] });
          if (id !== slowId) return;
          const answer = { promptId: 'still_there', value: 'I am still here' };
          expect((await api.post(`/api/auth/session/${id}/answer`, answer)).status).toBe(204);
        });
      const followed = Promise.all([follow(goneId), follow(slowId)]);
      expect(await untilEnded(gone, goneId)).toMatchObject({
        status: 'failed',
        errorCode: 'LOGIN_ABANDONED',
        errorMessage: expect.stringContaining('10 s'),
        errorHint: expect.stringContaining('Start again'),
      });
      await visitSignInPage(slow, await untilPhase(slow, slowId, 'awaiting-user'), 'approve');
      expect(await untilEnded(slow, slowId)).toMatchObject({ status: 'completed' });
      await followed;
      expect(asked.toSorted()).toEqual(
        [goneId, slowId].map((id) => `${id} Are you still there? The sign-in ends soon.`).toSorted(),
      );
      expect(await machineDirectories(server.dataDirectory)).toEqual([]);
    });
  });
});

describe('a credential file', () => {
  let server: DemoServer;
  const before = new Map<string, unknown>();
  const ended = new Map<string, LoginStatus>();
  const kinds = [
    ['blank', /not complete/],
    ['half-written', /not complete/],
    ['oversized', /larger than 256 KiB/],
    ['symlink', /symbolic link/],
    ['fifo', /not an ordinary file/],
    ['absent', /written no credential/],
  ] as const;
  const personOf = (userId: string): Person => ({ api: createApi(server.origin), server, userId });
  const credentialsOf = async (userId: string): Promise<unknown> =>
    (await createApi(server.origin).get(`/api/credentials?userId=${userId}`)).body;

  /** Everybody connects well, and then once more with a CLI that writes something else. */
  beforeAll(async () => {
    const { manifest } = createFakeProvider();
    const dataDirectory = await makeBareDataDirectory();
    const folder = await plantCliDirectory(dataDirectory, manifest);
    const inMachines = '/opt/node/bin/node';
    await writeFakeCli(folder, {}, inMachines);
    server = await startDemoServer({ dataDirectory, config: 'e2e/configs/fake-cli.config.ts' });
    const users = kinds.map(([kind]) => kind);
    await Promise.all(users.map(async (userId) => pasteCode(personOf(userId), await startPasting(personOf(userId)))));
    const waiting = new Map<string, LoginStatus>();
    for (const userId of users) {
      before.set(userId, await credentialsOf(userId));
      await writeFakeCli(folder, { credential: userId }, inMachines);
      waiting.set(userId, await startPasting(personOf(userId)));
    }
    await writeFakeCli(folder, {}, inMachines);
    const tries = [...waiting].map(async ([userId, login]) =>
      ended.set(userId, await pasteCode(personOf(userId), login)),
    );
    await Promise.all(tries);
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  it.each(kinds)('that is %s is refused with the reason, and the login that was there stays', async (kind, reason) => {
    expect(ended.get(kind)).toMatchObject({
      status: 'failed',
      errorCode: 'CREDENTIAL_INCOMPLETE',
      errorMessage: expect.stringMatching(reason),
    });
    expect(before.get(kind)).toMatchObject([{ provider: 'fake', valid: true, version: 1 }]);
    expect(await credentialsOf(kind)).toEqual(before.get(kind));
  });

  it('that was refused does not keep the CLI from going on with the one before', async () => {
    const run = await createApi(server.origin).prompt({ provider: 'fake', prompt: 'Hello', userId: 'symlink' });
    expect(run.text).toBe('You said: Hello');
    // What the link pointed to is in no answer and in no log.
    expect(JSON.stringify([...ended.values()]) + server.output()).not.toContain('root:x:0:0');
  });

  async function startPasting(person: Person): Promise<LoginStatus> {
    return untilPhase(person, await startLogin(person, 'paste', 'fake'), 'awaiting-user');
  }

  async function pasteCode(person: Person, { sessionId, authUrl }: LoginStatus): Promise<LoginStatus> {
    const answer = await fetch(authUrl ?? '', { redirect: 'manual' });
    const code = new URL(answer.headers.get('location') ?? '', authUrl ?? '').searchParams.get('code');
    await poll('the CLI to ask for the code', async () => {
      const answered = { promptId: 'code', value: code };
      const { status } = await person.api.post(`/api/auth/session/${sessionId}/answer`, answered);
      return status === 204 ? true : undefined;
    });
    return untilEnded(person, sessionId);
  }
});

describe('a data directory', () => {
  it('that a server uses is refused to a second one, which says whose it is', async () => {
    await withServer({}, async ({ server }) => {
      const second = spawn(process.execPath, ['packages/server/dist/main.js', '--demo'], {
        cwd: repository,
        env: { ...process.env, SALLYPORT_DATA_DIR: server.dataDirectory, PORT: '0' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      second.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      expect(await once(second, 'close')).toEqual([1, null]);
      expect(said).toContain(`Another server (pid ${server.process.pid}) is using ${server.dataDirectory}.`);
      expect((await createApi(server.origin).get('/ready')).status).toBe(200);
    });
  });
});
