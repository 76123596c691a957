import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

import { createScreen, spawnPty } from '@sallyport/agent/terminal';
import { buildArgv, type Observation, type PromptEvent } from '@sallyport/core';
import { manifest, provider } from '@sallyport/provider-gemini';
import {
  createEgressClient,
  createFakeGoogle,
  createFakeInternet,
  type EgressResponse,
  type FakeGoogle,
  type FakeInternet,
  type LoginRun,
  startLoginRun,
} from '@sallyport/testkit';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ensureGeminiCli } from './setup/gemini-cli.ts';

/** The fake provider is only worth something if the real CLI takes it for the vendor. */

let gemini: string;
let home: string;
let google: FakeGoogle;
let internet: FakeInternet;
let forwarder: Server;
let environment: Record<string, string>;
let browse: (url: string, request?: { method: string; body: string }) => Promise<EgressResponse>;

beforeAll(async () => {
  gemini = await ensureGeminiCli(AbortSignal.timeout(280_000));
}, 300_000);

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fg-'));
  for (const folder of ['bin', 'work']) await mkdir(join(home, folder));
  for (const { path, content } of manifest.cli.settings) {
    await mkdir(dirname(path.replace('~', home)), { recursive: true });
    await writeFile(path.replace('~', home), content);
  }
  google = createFakeGoogle({ wordDelayMs: 0 });
  internet = await createFakeInternet({
    directory: join(home, 'net'),
    sites: google.sites,
    controls: { google: google.control },
  });
  const route = await internet.open(
    {
      machineId: 'm-test',
      userId: 'u-test',
      purpose: 'sign-in',
      hosts: [...manifest.egress.cli, ...manifest.egress.signIn],
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
  const shim = join(home, 'bin/xdg-open');
  await writeFile(shim, '#!/bin/sh\nprintf %s "$1" > "$HOME/url.part" && mv "$HOME/url.part" "$HOME/url"\n');
  await chmod(shim, 0o755);
  environment = {
    ...manifest.cli.env,
    PATH: `${join(home, 'bin')}:/usr/bin:/bin`,
    HOME: home,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    HTTPS_PROXY: `http://127.0.0.1:${port}`,
    NO_PROXY: 'localhost,127.0.0.1',
    NODE_EXTRA_CA_CERTS: join(home, 'ca.pem'),
  };
});

afterEach(async () => {
  forwarder.close();
  await internet.close();
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
});

describe('the real Gemini CLI against the fake provider', { timeout: 120_000 }, () => {
  it('logs in with a code that is pasted', async () => {
    const outcome = await logIn('paste-code');
    expect(outcome).toMatchObject({ result: 'finished', asked: ['authorization_code'] });
    const tokens = await readTokens();
    expect(tokens.refresh_token).toContain(google.canary);
    expect(google.state().logins).toMatchObject([{ machineId: 'm-test', outcome: 'approved', wrongTries: 1 }]);
    expect(inspect(internet.log(), { depth: 9 })).not.toContain(google.canary);
  });

  it('logs in through the browser', async () => {
    const outcome = await logIn('browser');
    expect(outcome).toMatchObject({ result: 'finished', sent: ['\r', '\r'] });
    expect((await readTokens()).access_token).toContain(google.canary);
  });

  it('is told when the person denies the sign-in, and when the code is wrong', async () => {
    expect(await logIn('browser', { action: 'deny' })).toMatchObject({ result: 'LOGIN_DENIED' });
    expect(await logIn('paste-code', { mistyped: true })).toMatchObject({ result: 'LOGIN_FAILED' });
  });

  it('answers prompts, goes on with a conversation, and its tool calls write and read files', async () => {
    await logIn('paste-code');
    const first = await prompt('how are you?');
    expect(first.end).toMatchObject({ outcome: 'completed' });
    expect(first.answer).toContain('how are you?');
    const written = await prompt("[[write note.txt: it is 5 o'clock]]", { tools: 'full', session: first.conversation });
    expect(written).toMatchObject({ conversation: first.conversation, answer: 'I have written note.txt.' });
    expect(await readFile(join(home, 'work/note.txt'), 'utf8')).toBe("it is 5 o'clock\n");
    expect(await prompt('[[read note.txt]]', { tools: 'full' })).toMatchObject({
      answer: "The file note.txt says:\nit is 5 o'clock",
    });
    expect(google.state().families).toMatchObject([{ usedBy: ['m-test'], refreshes: 0, revokedBecause: null }]);
  });

  it('runs no command where the tool policy does not allow it', async () => {
    await logIn('paste-code');
    for (const tools of ['read-only', 'workspace'] as const) {
      const refused = await prompt('[[write note.txt: no]]', { tools });
      expect(refused.answer).toContain('I could not write note.txt');
    }
    await expect(readFile(join(home, 'work/note.txt'))).rejects.toThrow('ENOENT');
  });

  it('refreshes a token that has ended, and keeps its refresh token', async () => {
    await logIn('paste-code');
    const before = await readTokens();
    await writeFile(join(home, '.gemini/oauth_creds.json'), JSON.stringify({ ...before, expiry_date: 1 }));
    expect((await prompt('after expiry')).end).toMatchObject({ outcome: 'completed' });
    const after = await readTokens();
    expect(after.refresh_token).toBe(before.refresh_token);
    expect(after.access_token).not.toBe(before.access_token);
    expect(google.state().families).toMatchObject([{ refreshes: 1, revokedBecause: null }]);
  });

  it('asks for a new login where there is none, and where the login was revoked', async () => {
    const none = await prompt('hello');
    expect(none).toMatchObject({ exit: 41, end: { outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID' } });
    await logIn('paste-code');
    const { refresh_token: token } = await readTokens();
    await browse('https://oauth2.googleapis.com/revoke', {
      method: 'POST',
      body: `token=${encodeURIComponent(token)}`,
    });
    expect(await prompt('hello')).toMatchObject({ exit: 41, end: { outcome: 'relogin-needed' } });
    expect((await readTokens()).refresh_token).toBe(token);
  });

  it('says what is wrong when a conversation does not exist', async () => {
    await logIn('paste-code');
    const { exit, end } = await prompt('hello', { session: '11111111-1111-4111-8111-111111111111' });
    expect(exit).toBe(42);
    expect(end).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('the conversation does not exist'),
    });
  });
});

/** Runs the CLI in a terminal with the real login engine at it, and plays the person. */
async function logIn(methodId: string, { action = 'approve', mistyped = false } = {}): Promise<LoginRun['outcome']> {
  const method = manifest.logins.find(({ id }) => id === methodId);
  if (!method) throw new Error(`There is no login method ${methodId}.`);
  await rm(join(home, 'url'), { force: true });
  const { argv, columns, rows, env } = method.drive;
  const screen = createScreen({ columns, rows });
  const cli = { file: process.execPath, argv: [gemini, ...argv], env: { ...environment, ...env }, cwd: home };
  const pty = spawnPty({ ...cli, columns, rows });
  const says = (): string => screen.snapshotText();
  let run = startLoginRun(method);
  let typed = 0;
  const observe = (observation: Parameters<LoginRun['observe']>[0]): void => {
    run = run.observe(observation);
    for (const sent of run.outcome.sent.slice(typed)) pty.write(sent);
    typed = run.outcome.sent.length;
  };
  screen.onReply((reply) => pty.write(reply));
  let shown = Promise.resolve();
  pty.onData((bytes) => {
    shown = shown.then(() => screen.write(bytes)).then(() => observe({ type: 'screen', screen: screen.view() }));
  });
  const ended = new Promise<void>((resolve) => pty.onExit(() => resolve()));
  const started = performance.now();
  const clock = setInterval(() => observe({ type: 'tick', elapsedMs: performance.now() - started }), 1000);
  const finished = (): true | undefined => (run.outcome.result === 'waiting' ? undefined : true);
  try {
    if (methodId === 'browser') observe({ type: 'shim', url: await until(() => readUrl(), says) });
    const url = await until(() => run.outcome.urls[0], says);
    const answer = await signIn(url, action);
    if (methodId === 'browser') await fetch(answer, { redirect: 'manual' });
    else {
      await until(() => run.outcome.asked[0], says);
      const page = await browse(answer);
      const code = new URL(answer).searchParams.get('code') ?? '';
      expect(page.body).toContain(code);
      observe({ type: 'answer', promptId: 'authorization_code', value: mistyped ? 'mistyped' : code });
    }
    await until(finished, says);
    return run.outcome;
  } finally {
    clearInterval(clock);
    pty.kill();
    await ended;
    await shown;
    screen.dispose();
  }
}

const readUrl = (): Promise<string | undefined> => readFile(join(home, 'url'), 'utf8').catch(() => undefined);

/** Where the sign-in page sends the person: after a wrong code first, then the one that is painted. */
async function signIn(url: string, action: string): Promise<string> {
  const page = await browse(url);
  expect(page.status).toBe(200);
  const id = google.state().logins.at(-1)?.id;
  expect(page.body).toContain(id);
  const submit = (code: string | undefined) =>
    browse('https://accounts.google.com/oauth/authorize/login', {
      method: 'POST',
      body: `login=${id}&code=${code}&action=${action}`,
    });
  if (action === 'approve') expect((await submit('wrong!')).status).toBe(401);
  const redirect = await submit(google.state().logins.at(-1)?.code);
  expect(redirect.status).toBe(303);
  return String(redirect.headers.location);
}

interface Answered {
  readonly exit: number | null;
  readonly conversation: string | undefined;
  readonly answer: string;
  readonly end: PromptEvent | undefined;
}

/** A prompt as the agent runs it, understood by the provider's own parser. */
async function prompt(
  question: string,
  request: { tools?: 'read-only' | 'workspace' | 'full'; session?: string | undefined } = {},
): Promise<Answered> {
  const { tools = 'workspace', session } = request;
  const argv = buildArgv(manifest.prompt, { tools, ...(session !== undefined && { session }) });
  const child = spawn(process.execPath, [gemini, ...argv], { env: environment, cwd: join(home, 'work') });
  const exited = new Promise<number | null>((resolve) => {
    child.on('exit', resolve);
  });
  child.stdin.end(question);
  const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const lines = (type: 'stdout' | 'stderr', all: string): Observation[] =>
    all.split('\n').map((line) => ({ type, line }));
  const events: PromptEvent[] = [];
  let state = provider.parse?.initial();
  for (const observation of [
    ...lines('stdout', stdout),
    ...lines('stderr', stderr),
    { type: 'exit', code: exit, signal: null } as const,
  ]) {
    const step = provider.parse?.step(state, observation);
    state = step?.state;
    events.push(...(step?.events ?? []));
  }
  const conversation = events.find((event) => event.type === 'conversation')?.conversationId;
  const answer = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  return { exit, conversation, answer, end: events.at(-1) };
}

async function readTokens(): Promise<{ access_token: string; refresh_token: string }> {
  return JSON.parse(await readFile(join(home, '.gemini/oauth_creds.json'), 'utf8'));
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>, screen: () => string): Promise<T> {
  for (let tries = 0; tries < 1500; tries += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error(`It did not happen within 30 s. The screen says: ${screen()}`);
}
