import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, promisify } from 'node:util';

import { manifest } from '@sallyport/provider-codex';
import {
  createEgressClient,
  createFakeInternet,
  createFakeOpenai,
  type EgressResponse,
  type FakeInternet,
  type FakeOpenai,
} from '@sallyport/testkit';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ensureCodexCli, lockCallbackPort } from './setup/codex-cli.ts';

/** The fake provider is only worth something if the real CLI takes it for the vendor. */

let codex: string;
let home: string;
let openai: FakeOpenai;
let internet: FakeInternet;
let forwarder: Server;
let environment: Record<string, string>;
let browse: (url: string, request?: { method: string; body: string }) => Promise<EgressResponse>;

beforeAll(async () => {
  codex = await ensureCodexCli(AbortSignal.timeout(280_000));
}, 300_000);

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fo-'));
  await mkdir(join(home, '.codex'));
  await mkdir(join(home, 'work'));
  for (const { path, content } of manifest.cli.settings) await writeFile(path.replace('~', home), content);
  openai = createFakeOpenai({ wordDelayMs: 0, stateFile: join(home, 'ledger.json') });
  internet = await createFakeInternet({
    directory: join(home, 'net'),
    sites: openai.sites,
    controls: { openai: openai.control },
  });
  const route = await internet.open(
    {
      machineId: 'm-test',
      userId: 'u-test',
      purpose: 'sign-in',
      hosts: manifest.egress.cli,
      identity: { userId: 'u-test' },
    },
    { signal: AbortSignal.timeout(5000) },
  );
  const client = createEgressClient(route);
  browse = (url, request) =>
    client(url, { ...request, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  forwarder = createServer((socket) => {
    const upstream = connect(route.socketPath);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => {
    forwarder.listen(0, '127.0.0.1', resolve);
  });
  const address = forwarder.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  await writeFile(join(home, 'ca.pem'), internet.certificateAuthority);
  const shim = join(home, 'browser');
  await writeFile(shim, '#!/bin/sh\nprintf %s "$1" > "$HOME/url.part" && mv "$HOME/url.part" "$HOME/url"\n');
  await chmod(shim, 0o755);
  environment = {
    PATH: '/usr/bin:/bin',
    HOME: home,
    BROWSER: shim,
    HTTPS_PROXY: `http://127.0.0.1:${port}`,
    SSL_CERT_FILE: join(home, 'ca.pem'),
  };
});

afterEach(async () => {
  forwarder.close();
  await internet.close();
  await rm(home, { recursive: true, force: true });
});

describe('the real Codex CLI against the fake provider', { timeout: 60_000 }, () => {
  it('logs in through the browser, and only with the painted code', async () => {
    await logIn();
    const auth = await readAuth();
    expect(auth.tokens.refresh_token).toContain(openai.canary);
    expect(auth.tokens.access_token).toContain(openai.canary);
    expect(auth.OPENAI_API_KEY).toContain(openai.canary);
    expect(openai.state().logins).toMatchObject([{ machineId: 'm-test', outcome: 'approved', wrongTries: 1 }]);
    expect(inspect(internet.log(), { depth: 9 })).not.toContain(openai.canary);
  });

  it('is told when the person denies the sign-in', async () => {
    const { exit, output } = await logIn({ action: 'deny' });
    expect(exit).toBe(1);
    expect(output).toContain('Sign-in failed');
  });

  it('logs in with a device code', async () => {
    const child = spawn(codex, ['login', '--device-auth'], { env: environment, cwd: home });
    const exit = new Promise<number | null>((resolve) => {
      child.on('exit', resolve);
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const userCode = await until(() => /[A-Z]{4}-[A-Z]{5}/.exec(output)?.[0]);
    const page = await browse('https://auth.openai.com/codex/device', {
      method: 'POST',
      body: `user_code=${userCode}`,
    });
    const login = openai.state().logins[0];
    expect(page.body).toContain(login?.id ?? 'no login');
    await browse('https://auth.openai.com/oauth/authorize/login', {
      method: 'POST',
      body: `login=${login?.id}&code=${login?.code}&action=approve`,
    });
    expect(await exit).toBe(0);
    expect((await readAuth()).tokens.access_token).toContain(openai.canary);
  });

  it('answers prompts, and its tool calls write and read files', async () => {
    await logIn();
    expect(await prompt('how are you?')).toMatchObject({ exit: 0, answer: expect.stringContaining('how are you?') });
    expect(await prompt("[[write note.txt: it is 5 o'clock]]")).toMatchObject({
      exit: 0,
      answer: 'I have written note.txt.',
    });
    expect(await readFile(join(home, 'work/note.txt'), 'utf8')).toBe("it is 5 o'clock\n");
    expect(await prompt('[[read note.txt]]')).toMatchObject({
      exit: 0,
      answer: "The file note.txt says:\nit is 5 o'clock",
    });
    expect(openai.state().families).toMatchObject([{ usedBy: ['m-test'], revokedBecause: null }]);
    openai.control.setFaults({ slowBytes: 50 });
    expect(await prompt('in pieces')).toMatchObject({ exit: 0, answer: expect.stringContaining('in pieces') });
  });

  it('refuses a prompt without a live access token', async () => {
    const { exit, output } = await prompt('hello');
    expect(exit).toBe(1);
    expect(output).toContain('401');
  });

  it('makes the CLI refresh an expired token, once, and revokes the family when an old one comes back', async () => {
    await logIn();
    const before = await readFile(join(home, '.codex/auth.json'), 'utf8');
    openai.control.setFaults({ accessExpiredBefore: Date.now() });
    expect(await prompt('after expiry')).toMatchObject({ exit: 0, answer: expect.stringContaining('after expiry') });
    expect((await readAuth()).tokens.refresh_token).not.toBe(JSON.parse(before).tokens.refresh_token);
    expect(openai.state().families).toMatchObject([{ refreshes: 1, revokedBecause: null }]);

    await writeFile(join(home, '.codex/auth.json'), before);
    const { exit, output } = await prompt('replayed');
    expect(exit).toBe(1);
    expect(output).toContain('could not be refreshed');
    expect(openai.state().families).toMatchObject([{ refreshes: 1, revokedBecause: 'refresh_token_reused' }]);
  });

  it('makes the CLI refresh by itself when the token says that it has ended', async () => {
    openai.control.setFaults({ accessLifetimeSeconds: 2 });
    await logIn();
    openai.control.setFaults({ accessLifetimeSeconds: 3600 });
    await sleep(2100);
    expect(await prompt('hello')).toMatchObject({ exit: 0 });
    expect(openai.state().families).toMatchObject([{ refreshes: 1 }]);
  });

  it('keeps a login alive across a restart of the fake', async () => {
    await logIn();
    const restarted = createFakeOpenai({ canary: openai.canary, stateFile: join(home, 'ledger.json') });
    expect(restarted.state().families).toEqual(openai.state().families);
    expect(await readFile(join(home, 'ledger.json'), 'utf8')).not.toContain(openai.canary);
  });
});

/** Runs `codex login` and plays the person: a wrong code first, then the one that is painted. */
async function logIn({ action = 'approve' } = {}): Promise<{ exit: number | null; output: string }> {
  const unlock = await lockCallbackPort(AbortSignal.timeout(50_000));
  try {
    await rm(join(home, 'url'), { force: true });
    const child = spawn(codex, ['login'], { env: environment, cwd: home });
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const exit = new Promise<number | null>((resolve) => {
      child.on('exit', resolve);
    });
    const url = await until(() => readFile(join(home, 'url'), 'utf8').catch(() => undefined));
    const page = await browse(url);
    expect(page.status).toBe(200);
    const id = openai.state().logins.at(-1)?.id;
    expect(page.body).toContain(id);
    const submit = (code: string | undefined) =>
      browse('https://auth.openai.com/oauth/authorize/login', {
        method: 'POST',
        body: `login=${id}&code=${code}&action=${action}`,
      });
    if (action === 'approve') expect((await submit('wrong!')).status).toBe(401);
    const redirect = await submit(openai.state().logins.at(-1)?.code);
    expect(redirect.status).toBe(303);
    await fetch(String(redirect.headers.location));
    return { exit: await exit, output: (await output).join('') };
  } finally {
    await unlock();
  }
}

/** Without the CLI's own sandbox, which does not find its helper while the home lies below `/tmp`. */
async function prompt(question: string): Promise<{ exit: number; answer: string | undefined; output: string }> {
  const run = promisify(execFile)(codex, ['exec', '--json', '--skip-git-repo-check', '-s', 'danger-full-access', '-'], {
    env: environment,
    cwd: join(home, 'work'),
  });
  run.child.stdin?.end(question);
  const { exit, stdout } = await run.then(
    (result) => ({ exit: 0, stdout: result.stdout }),
    (error: { code: number; stdout: string }) => ({ exit: error.code, stdout: error.stdout }),
  );
  const events = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): { item?: { type: string; text: string } } => JSON.parse(line));
  const answer = events.findLast((event) => event.item?.type === 'agent_message')?.item?.text;
  return { exit, answer, output: stdout };
}

async function readAuth(): Promise<{
  OPENAI_API_KEY: string | null;
  tokens: { access_token: string; refresh_token: string };
}> {
  return JSON.parse(await readFile(join(home, '.codex/auth.json'), 'utf8'));
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 500; tries += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error('It did not happen within 10 s.');
}
