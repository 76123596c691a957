import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { matchText, type Observation } from '@sallyport/core/provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createEgressClient, type EgressResponse } from '../fake-internet/egress-client.ts';
import { createFakeInternet, type FakeInternet } from '../fake-internet/fake-internet.ts';
import { createFakeLogin, type FakeLogin } from './login-site.ts';
import type { FakeCliScript } from './script.ts';
import { type FakeCli, writeFakeCli } from './write-fake-cli.ts';

let home: string;
let login: FakeLogin;
let internet: FakeInternet;
let browse: (url: string) => Promise<EgressResponse>;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fc-'));
  await mkdir(join(home, 'work'));
  login = createFakeLogin();
  internet = await createFakeInternet({ directory: join(home, 'net'), sites: login.sites });
  const route = await internet.open(
    { machineId: 'm', userId: 'u', purpose: 'sign-in', hosts: ['login.fake.test'], identity: { userId: 'u' } },
    { signal: AbortSignal.timeout(60_000) },
  );
  browse = createEgressClient(route);
});

afterEach(async () => {
  await internet.close();
  await rm(home, { recursive: true, force: true });
});

describe('fake CLI', () => {
  it('logs in through the browser and keeps waiting after a wrong state', async () => {
    const cli = await writeFakeCli(join(home, 'cli'));
    const child = run(cli, ['login']);
    const output = text(child.stdout);
    const url = await linkOf(child);
    login.control.setFaults({ wrongState: true });
    expect((await callBack(url)).status).toBe(400);
    login.control.setFaults({ wrongState: false });
    expect((await callBack(url)).status).toBe(200);
    expect(await exitOf(child)).toBe(0);
    expect(matchText({ text: 'Logged in.' }, await output)).toBeDefined();
    const auth = await readFile(join(home, '.fake/auth.json'), 'utf8');
    expect(cli.provider.inspect?.({ auth })).toMatchObject({ account: 'person@fake.test', blank: false });
    expect((await stat(join(home, '.fake/auth.json'))).mode & 0o777).toBe(0o600);
  });

  it('says so when the user denies, and when it is told to crash', async () => {
    login.control.setFaults({ denyLogin: true });
    const denied = run(await writeFakeCli(join(home, 'cli')), ['login']);
    await callBack(await linkOf(denied));
    expect(await exitOf(denied)).toBe(1);
    const crashed = run(await writeFakeCli(join(home, 'cli'), { crash: 'before-link' }), ['login']);
    expect(await exitOf(crashed)).toBe('SIGKILL');
  });

  it('asks its questions, and takes a pasted code', async () => {
    const cli = await writeFakeCli(join(home, 'cli'), { questions: [{ text: 'Continue? ', expect: 'yes' }] });
    const child = run(cli, ['login', '--paste']);
    child.stdin.write('yes\n');
    const shown = await browse(String((await browse(await linkOf(child))).headers.location));
    child.stdin.write(`${shown.body}\n`);
    expect(await exitOf(child)).toBe(0);
    expect(await readFile(join(home, '.fake/auth.json'), 'utf8')).toContain(shown.body);
    const wrong = run(cli, ['login']);
    wrong.stdin.write('no\n');
    expect(await exitOf(wrong)).toBe(1);
  });

  it('leaves the bad credentials it is told to leave', async () => {
    const leave = async (credential: FakeCliScript['credential'] & string): Promise<string> => {
      const child = run(await writeFakeCli(join(home, 'cli'), { credential }), ['login', '--paste']);
      child.stdin.write('code\n');
      await exitOf(child);
      return readFile(join(home, '.fake/auth.json'), 'utf8');
    };
    expect(JSON.parse(await leave('blank'))).toMatchObject({ token: '' });
    const half = await leave('half-written');
    expect(() => JSON.parse(half)).toThrow(SyntaxError);
    expect((await leave('oversized')).length).toBeGreaterThan(1024 * 1024);
    expect(await leave('symlink')).toContain('root:');
    await expect(leave('absent')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('answers prompts in lines that its provider can read', async () => {
    const cli = await writeFakeCli(join(home, 'cli'));
    expect((await ask(cli, 'hello')).events).toContainEqual({ type: 'notice', message: 'not logged in' });
    const child = run(cli, ['login', '--paste']);
    child.stdin.write('code\n');
    await exitOf(child);
    expect(await ask(cli, 'hello')).toMatchObject({
      exit: 0,
      events: [{ type: 'conversation' }, { type: 'text', text: 'You said: hello' }],
    });
    expect((await ask(cli, 'fail 7')).exit).toBe(7);
    expect((await ask(cli, 'big 300')).events.length).toBe(302);
    expect((await ask(cli, 'again', ['--resume', 'abc'])).events[0]).toMatchObject({ conversationId: 'abc' });
    await ask(cli, 'write note.txt and remember');
    expect((await ask(cli, 'read note.txt')).events[1]).toMatchObject({ text: 'write note.txt and remember' });
    const before = await readFile(join(home, '.fake/auth.json'), 'utf8');
    await ask(cli, 'rotate');
    expect(await readFile(join(home, '.fake/auth.json'), 'utf8')).not.toBe(before);
  });
});

function run({ executable }: FakeCli, argv: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(executable, argv, { cwd: join(home, 'work'), env: { HOME: home, PATH: '/usr/bin:/bin' } });
}

function exitOf(child: ChildProcessWithoutNullStreams): Promise<number | string | null> {
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal));
  });
}

function linkOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const link = /https:\/\/login\.fake\.test\/authorize\S+(?=\s)/.exec(output)?.[0];
      if (link !== undefined) resolve(link);
    });
    child.on('exit', () => reject(new Error(`No link was shown: ${output}`)));
  });
}

async function callBack(url: string): Promise<Response> {
  return fetch(String((await browse(url)).headers.location));
}

async function ask({ executable, provider }: FakeCli, prompt: string, flags: readonly string[] = []) {
  const child = run({ executable, provider, directory: '' }, ['exec', ...flags]);
  const output = text(child.stdout);
  child.stdin.end(prompt);
  const exit = await exitOf(child);
  const events = (await output).split('\n').flatMap((line) => {
    const observation: Observation = { type: 'stdout', line };
    return provider.parse?.step(null, observation).events ?? [];
  });
  return { exit, events };
}
