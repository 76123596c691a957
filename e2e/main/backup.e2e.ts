import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { signInByPaste, startKeptServer } from '../../test/kept-data/kept-server.ts';
import type { KeptServer } from '../../test/kept-data/kept-server.ts';
import { runSallyport } from '../../test/server/sallyport-process.ts';

let work: string;
let original: string;
let file: string;
/** What the CLI of `ada` wrote last. Neither the backup nor the database that is restored has it. */
let newest: string;
let server: KeptServer | undefined;

beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-restored-')));
  original = join(work, 'original');
  file = join(work, 'backup.gz');
  await mkdir(original, { mode: 0o711 });
  const { api } = await start(original);
  await signInByPaste({ api, stop }, 'ada');
  const files = { api_key: 'fk-restored-0001' };
  expect((await api.post('/api/credentials/fake', { userId: 'grace', files })).status).toBe(201);
  expect(await ask('ada', 'hello')).toBe('completed');
  expect(await command(original, 'backup', file)).toMatch(/^Wrote .*backup\.gz: \d+ rows, as of /);
  expect(await ask('ada', 'rotate')).toBe('completed');
  await stop();
  newest = await tokenOnDisk(original);
});

afterEach(() => stop());
afterAll(() => rm(work, { recursive: true, force: true }));

async function start(dataDirectory: string): Promise<KeptServer> {
  server = await startKeptServer(dataDirectory, {});
  return server;
}

async function stop(): Promise<void> {
  await server?.stop();
  server = undefined;
}

/** Runs a command to its good end, and returns what it printed. */
async function command(dataDirectory: string, ...words: readonly string[]): Promise<string> {
  const ran = runSallyport(words, { SALLYPORT_DATA_DIR: dataDirectory });
  const { code } = await ran.ended;
  const { stdout, stderr } = ran.output();
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

async function ask(userId: string, prompt: string): Promise<string | undefined> {
  const end = (await server?.api.prompt({ userId, provider: 'fake', prompt }))?.end;
  return end?.message ?? end?.outcome;
}

/** Of the only machine that has a login. */
async function tokenOnDisk(dataDirectory: string): Promise<string> {
  const machines = join(dataDirectory, 'machines');
  const found = (await readdir(machines, { recursive: true })).filter((name) => name.endsWith('/.fake/auth.json'));
  expect(found).toHaveLength(1);
  return JSON.parse(await readFile(join(machines, found[0] ?? ''), 'utf8')).token;
}

describe('a database that is lost and restored', () => {
  it('takes the newest login from the machine that has it, so nobody notices', async () => {
    const dataDirectory = join(work, 'database-lost');
    // Files keep the users of their machines.
    await promisify(execFile)('cp', ['-a', original, dataDirectory]);
    await rm(join(dataDirectory, 'postgres'), { recursive: true });
    expect(await command(dataDirectory, 'restore', file)).toMatch(/^Restored what was stored at /);
    await start(dataDirectory);
    expect(await ask('ada', 'hello')).toBe('completed');
    expect(await ask('grace', 'hello')).toBe('completed');
    await stop();
    expect(await tokenOnDisk(dataDirectory)).toBe(newest);
  });

  it('is refused without its master keys', async () => {
    const dataDirectory = join(work, 'no-keys');
    const ran = runSallyport(['restore', file], { SALLYPORT_DATA_DIR: dataDirectory });
    expect(await ran.ended).toMatchObject({ code: 1 });
    expect(ran.output().stderr).toMatch(/^Stored credentials are sealed under the master key /);
  });

  it('presents no token that may be spent where the machine is lost, too, and keeps keys', async () => {
    const dataDirectory = join(work, 'all-lost');
    await mkdir(dataDirectory, { mode: 0o711 });
    await cp(join(original, 'master-keys'), join(dataDirectory, 'master-keys'), { recursive: true });
    expect(await command(dataDirectory, 'restore', file)).toContain('1 logins may have been refreshed since');
    const { api } = await start(dataDirectory);
    const { body } = await api.post('/api/vm/cli/prompt', { userId: 'ada', provider: 'fake', prompt: 'hello' });
    expect(body).toMatchObject({ code: 'CREDENTIAL_INVALID' });
    expect(await ask('grace', 'hello')).toBe('completed');
    await signInByPaste({ api, stop }, 'ada');
    expect(await ask('ada', 'hello')).toBe('completed');
  });
});
