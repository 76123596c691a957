import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createApi } from '../support/api.ts';
import { signIn } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { machineDirectories } from '../support/processes.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/**
 * The rotation drill with the real Codex CLI, and a vendor that revokes every token of a login when one comes a second
 * time. What goes wrong here goes wrong one after the other, to one user.
 */
let server: DemoServer;
let person: Person;
/** Refresh tokens that the vendor was shown while former servers ran. */
let formerly: readonly string[] = [];

const backup = (): string => `${server.dataDirectory}-backup`;
const database = (): string => join(server.dataDirectory, 'postgres');

beforeAll(async () => {
  await start();
  await signIn(person, 'device-code');
  await prompt();
});

afterAll(async () => {
  await server?.stop();
  if (!server) return;
  await removeDataDirectory(backup());
  await removeDataDirectory(server.dataDirectory);
});

async function start(dataDirectory?: string): Promise<void> {
  server = await startDemoServer(dataDirectory === undefined ? {} : { dataDirectory });
  person = { server, api: createApi(server.origin) };
}

/** Stops the server, runs `meanwhile` on the data it left, and starts the next one on that. */
async function restart(signal: NodeJS.Signals, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  // The vendor's log goes with the server that plays it.
  formerly = await presented();
  await server.stop(signal);
  await meanwhile();
  await start(server.dataDirectory);
}

/** Every refresh token that the vendor was shown, in order, by all servers so far. */
async function presented(): Promise<readonly string[]> {
  const log = await server.internet.log();
  const tokens = log
    .filter(({ method, host, path }) => `${method} ${host}${path}` === 'POST auth.openai.com/oauth/token')
    .flatMap(({ body }) => refreshSchema.safeParse(tryParse(body.reveal())).data?.refresh_token ?? []);
  return [...formerly, ...tokens];
}

const refreshSchema = z.object({ grant_type: z.literal('refresh_token'), refresh_token: z.string() });

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function prompt(): Promise<void> {
  const run = await person.api.prompt({ provider: 'codex', prompt: 'Hello.' });
  expect(run.end).toMatchObject({ outcome: 'completed' });
}

const credential = async () => (await person.api.get('/api/credentials')).body[0];

/** A prompt that refreshes, up to its version in the database. */
async function rotate(): Promise<void> {
  const { version } = await credential();
  await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
  await prompt();
  await poll('the rotation to be stored', async () => ((await credential()).version > version ? true : undefined));
}

async function authFile(): Promise<string> {
  const [machine = ''] = await machineDirectories(server.dataDirectory);
  return join(server.dataDirectory, 'machines', machine, 'homes', 'codex', '.codex', 'auth.json');
}

/** No token came twice, by the requests themselves and by what the vendor made of them. */
async function expectNoReplay(refreshes: number): Promise<void> {
  const tokens = await presented();
  expect(tokens).toHaveLength(refreshes);
  expect(new Set(tokens).size).toBe(refreshes);
  const { families } = await server.openai();
  expect(families.filter(({ revokedBecause }) => revokedBecause !== null)).toEqual([]);
}

describe('the rotation drill with the real CLI', () => {
  it('survives a server that is killed between a refresh and its write-back', async () => {
    const { version } = await credential();
    const path = await authFile();
    const known = await readFile(path, 'utf8');
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    person.api.prompt({ provider: 'codex', prompt: '[[slow 50]]' }).catch(() => undefined);
    await poll('the CLI to refresh', async () => {
      const now = await readFile(path, 'utf8').catch(() => known);
      return now !== known && now.trim().endsWith('}') ? true : undefined;
    });
    await restart('SIGKILL');
    expect(await credential()).toMatchObject({ valid: true, version: version + 1 });
    await rotate();
    await expectNoReplay(2);
  });

  it('moves to a second machine with what the first one refreshed last', async () => {
    const [first] = await machineDirectories(server.dataDirectory);
    await rotate();
    expect((await person.api.post(`/api/vms/${first}/destroy`)).status).toBeLessThan(300);
    await rotate();
    expect(await machineDirectories(server.dataDirectory)).not.toContain(first);
    await expectNoReplay(4);
  });

  it('survives an older backup of the database, and an older copy of the disk', async () => {
    let disk = '';
    await restart('SIGTERM', async () => {
      disk = await readFile(await authFile(), 'utf8');
      await cp(database(), backup(), { recursive: true });
    });
    await rotate();
    await rotate();
    await restart('SIGKILL', restoreDatabase);
    expect(await credential()).toMatchObject({ valid: true });
    await rotate();
    await restart('SIGTERM', async () => writeFile(await authFile(), disk));
    await rotate();
    await expectNoReplay(8);
  });

  it('tells the user to log in again where the newest token is lost, and not before', async () => {
    await restart('SIGKILL', async () => {
      await restoreDatabase();
      const machines = await machineDirectories(server.dataDirectory);
      for (const machine of machines)
        await rm(join(server.dataDirectory, 'machines', machine), { recursive: true, force: true });
    });
    await person.api.prompt({ provider: 'codex', prompt: 'Hello?' }).catch(() => undefined);
    expect(await credential()).toMatchObject({
      valid: false,
      problem: 'The login was refreshed after the backup that the database was restored from.',
    });
    await expectNoReplay(8);
    await signIn(person, 'device-code');
    await rotate();
    await expectNoReplay(9);
  });
});

async function restoreDatabase(): Promise<void> {
  await rm(database(), { recursive: true });
  await cp(backup(), database(), { recursive: true });
}
