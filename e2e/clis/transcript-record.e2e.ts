import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { describeProvider, loadRpcTranscript, loadTranscript } from '@sallyport/testkit';
import { createEgressClient, createFakeInternet, createFakeOpenai } from '@sallyport/testkit/vendors';
import type { EgressResponse, FakeInternet, FakeOpenai } from '@sallyport/testkit/vendors';
import { provider } from '@sallyport/provider-codex';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { plantCliDirectory } from '../support/cli-folder.ts';
import { startEgressForwarder } from '../../packages/agent/src/cli/egress-forwarder.ts';
import { lockCallbackPort } from '../support/callback-port.ts';
import { signIn } from '../support/cli-person.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { ensureCli } from '../support/ensure-cli.ts';
import { poll } from '../support/server.ts';

const { manifest } = provider;

/** The command as a user runs it, with the real CLI: what it writes can be replayed at once and holds no secret. */

const repository = resolve(import.meta.dirname, '../..');
let installed: string;
let folder: string;
let openai: FakeOpenai;
let internet: FakeInternet;
let forwarder: Awaited<ReturnType<typeof startEgressForwarder>>;
let browse: (url: string, form?: Readonly<Record<string, string>>) => Promise<EgressResponse>;

beforeAll(async () => {
  installed = (await ensureCli(manifest)).directory;
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-record-'));
  openai = createFakeOpenai({ wordDelayMs: 0 });
  internet = await createFakeInternet({ directory: join(folder, 'net'), sites: openai.sites });
  const identity = { userId: 'u' };
  const route = await internet.open(
    {
      machineId: 'm',
      userId: 'u',
      purpose: 'sign-in',
      hosts: [...manifest.egress.cli, ...manifest.egress.signIn],
      identity,
    },
    { signal: AbortSignal.timeout(HANG_LIMIT_MS) },
  );
  forwarder = await startEgressForwarder({ socket: route.socketPath });
  const client = createEgressClient(route);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  browse = (url, form) =>
    client(url, form ? { method: 'POST', headers, body: new URLSearchParams(form).toString() } : undefined);
  await writeFile(join(folder, 'ca.pem'), internet.certificateAuthority);
  const planted = await plantCliDirectory(join(folder, 'data'), manifest);
  // Not by a link: a program outside its installation counts as missing.
  const copied = { recursive: true, verbatimSymlinks: true };
  await cp(join(installed, 'node_modules'), join(planted, 'node_modules'), copied);
  await mkdir(join(folder, 'out'));
});

afterEach(async () => {
  await forwarder.close();
  await internet.close();
  await rm(folder, { recursive: true, force: true });
});

describe('sallyport transcript record', () => {
  it('records a login in the browser without its secrets, and the recording replays', async () => {
    const unlock = await lockCallbackPort(AbortSignal.timeout(HANG_LIMIT_MS));
    try {
      const { child, printed } = record('browser', '--columns', '120', '--rows', '40');
      const link = /https:\/\/auth\.openai\.com\/oauth\/authorize\?\S+(?=\s)/;
      const target = await signIn({ browse }, openai, await until(child, () => link.exec(printed())?.[0]));
      const state = new URL(target).searchParams.get('state') ?? '';
      await (await fetch(target)).text();
      expect((await exitOf(child)).code, printed()).toBe(0);

      const name = `codex-${manifest.cli.version}-browser-120x40`;
      expect((await readdir(join(folder, 'out'))).toSorted()).toEqual([`${name}.bin`, `${name}.json`]);
      const files = await written(name);
      expect(state.length).toBeGreaterThan(20);
      expect(printed()).toContain(state);
      for (const secret of [openai.canary, state]) expect(files).not.toContain(secret);
      const transcript = loadTranscript(join(folder, 'out', name));
      expect(transcript).toMatchObject({ columns: 120, rows: 40, exit: 0 });
      const url = expect.stringMatching(/^https:\/\/auth\.openai\.com\/oauth\/authorize\?response_type=code&/);
      await conforms([
        {
          transcript,
          method: 'browser',
          browserCommand: true,
          expected: { urls: [url], userCodes: [], asked: [], sent: [], result: 'finished' },
        },
      ]);
    } finally {
      await unlock();
    }
  });

  it('records a login with a code, which is another one in the recording', async () => {
    const { child, printed } = record('device-code');
    const code = await until(child, () => /[A-Z]{4}-[A-Z]{5}/.exec(printed())?.[0]);
    await signIn({ browse }, openai, 'https://auth.openai.com/codex/device', { userCode: code });
    expect((await exitOf(child)).code, printed()).toBe(0);
    const name = `codex-${manifest.cli.version}-device-code-2000x50`;
    const files = await written(name);
    for (const secret of [openai.canary, code]) expect(files).not.toContain(secret);
    const transcript = loadTranscript(join(folder, 'out', name));
    await conforms([
      {
        transcript,
        method: 'device-code',
        expected: {
          urls: ['https://auth.openai.com/codex/device'],
          userCodes: [expect.stringMatching(/^[A-Z0-9]{4}-[A-Z0-9]{4,6}$/)],
          asked: [],
          sent: [],
          result: 'finished',
        },
      },
    ]);
  });

  it('records a login that is driven by messages, and the recording replays', async () => {
    const { child, printed } = record('app-server-device-code');
    const code = await until(child, () => /enter ([A-Z]{4}-[A-Z]{5})/.exec(printed())?.[1]);
    await signIn({ browse }, openai, 'https://auth.openai.com/codex/device', { userCode: code });
    expect((await exitOf(child)).code, printed()).toBe(0);
    const name = `codex-${manifest.cli.version}-app-server-device-code`;
    expect(await readdir(join(folder, 'out'))).toEqual([`${name}.jsonl`]);
    const text = await readFile(join(folder, 'out', `${name}.jsonl`), 'utf8');
    for (const secret of [openai.canary, code]) expect(text).not.toContain(secret);
    const transcript = loadRpcTranscript(join(folder, 'out', name));
    const expected = {
      urls: ['https://auth.openai.com/codex/device'],
      userCodes: [expect.stringMatching(/^[A-Z0-9]{4}-[A-Z0-9]{4,6}$/)],
      asked: [],
      sent: ['initialize', 'initialized', 'account/login/start'],
      result: 'finished',
    };
    await conforms([], [{ transcript, method: 'app-server-device-code', expected }]);
  });

  it('asks for no login whose recording could not be written', async () => {
    await writeFile(join(folder, 'out', `codex-${manifest.cli.version}-device-code-2000x50.json`), 'earlier');
    const { child, printed } = record('device-code');
    expect((await exitOf(child)).code).toBe(1);
    expect(printed()).toContain('exists already');
    const missing = record('device-code', '--out', join(folder, 'missing'));
    expect((await exitOf(missing.child)).code).toBe(1);
    expect(missing.printed()).toContain('does not exist');
    expect(openai.state().logins).toEqual([]);
  });

  it('says which methods there are when asked for another, and writes nothing', async () => {
    const { child, printed } = record('telepathy');
    expect((await exitOf(child)).code).toBe(1);
    expect(printed()).toContain('Choose one of browser');
    expect(await readdir(join(folder, 'out'))).toEqual([]);
  });
});

function record(method: string, ...more: readonly string[]) {
  const child = spawn(
    process.execPath,
    ['packages/server/dist/main.js', 'transcript', 'record', 'codex', method, '--out', join(folder, 'out'), ...more],
    {
      cwd: repository,
      env: {
        PATH: '/usr/bin:/bin',
        HOME: folder,
        SALLYPORT_DATA_DIR: join(folder, 'data'),
        HTTPS_PROXY: `http://127.0.0.1:${forwarder.port}`,
        SSL_CERT_FILE: join(folder, 'ca.pem'),
      },
    },
  );
  let printed = '';
  child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString('latin1')));
  child.stderr.on('data', (bytes: Buffer) => (printed += bytes.toString('latin1')));
  return { child, printed: () => printed };
}

async function exitOf(child: ChildProcess): Promise<{ readonly code: number | null }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return { code: child.exitCode };
}

async function until(child: ChildProcess, look: () => string | undefined): Promise<string> {
  return poll('what the CLI shows', async () => {
    const seen = look();
    if (seen === undefined && child.exitCode !== null) throw new Error('The CLI ended before it showed that.');
    return seen;
  });
}

/** Both files as one text, encoded values decoded. */
async function written(name: string): Promise<string> {
  const parts = ['bin', 'json'].map((ending) => readFile(join(folder, 'out', `${name}.${ending}`), 'latin1'));
  const text = (await Promise.all(parts)).join('\n');
  return `${text}\n${text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))}`;
}

type Recordings = Parameters<typeof describeProvider>[1];

/** Runs the whole suite on the new recording. */
async function conforms(
  transcripts: Recordings['transcripts'],
  conversations: NonNullable<Recordings['conversations']> = [],
): Promise<void> {
  const tests: (() => void | Promise<void>)[] = [];
  const suites = ['recorded logins', 'recorded conversations'];
  let inside = '';
  describeProvider(
    provider,
    { transcripts, conversations, credentials: [], headless: [] },
    {
      describe: (name, body) => {
        inside = name;
        body();
      },
      it: (_name, body) => void (suites.includes(inside) && tests.push(body)),
      expect,
    },
  );
  expect(tests.length).toBe(transcripts.length + 1 + 2 * conversations.length);
  for (const test of tests) await test();
}
