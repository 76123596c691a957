import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { Client, type PoolConfig } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';

import { createTestDatabase } from '../../test/setup/test-database.ts';
import { kept, provider, startKeptServer } from '../../test/kept-data/kept-server.ts';
import type { KeptServer } from '../../test/kept-data/kept-server.ts';

const run = promisify(execFile);
const directory = resolve(import.meta.dirname, '../../test/kept-data');
const recordings = (await readdir(directory)).filter((name) => /^\d{4}-\d\d-\d\d$/.test(name));
const work = await mkdtemp(join(tmpdir(), 'sallyport-kept-'));
await chmod(work, 0o711);

afterAll(() => rm(work, { recursive: true, force: true }));

/** Unpacks a recording into a new data directory and a new database, as an operator restores a backup. */
async function restore(recording: string): Promise<{ readonly data: string; readonly databaseUrl: string }> {
  const data = join(work, recording);
  await mkdir(data, { mode: 0o711 });
  await run('tar', ['-xzf', join(directory, recording, 'data.tar.gz'), '--numeric-owner', '-C', data]);
  const database = await createTestDatabase();
  const client = new Client(database);
  await client.connect();
  await client.query('drop schema public cascade; drop schema sallyport cascade; create schema public');
  const dump = await readFile(join(directory, recording, 'database.sql'), 'utf8');
  await client.query(dump.replaceAll("'@host@'", `'${hostname()}'`));
  await client.end();
  return { data, databaseUrl: urlOf(database) };
}

function urlOf({ host, port, user, database, connectionString }: PoolConfig): string {
  if (connectionString !== undefined) return connectionString;
  return `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host ?? '')}`;
}

async function ask({ api }: KeptServer, userId: string, prompt: string): Promise<string> {
  const { end, text } = await api.prompt({ userId, provider, prompt });
  expect(end).toMatchObject({ outcome: 'completed' });
  return text;
}

describe('a data directory and database of an earlier release', () => {
  it('are kept', () => {
    expect(recordings).not.toEqual([]);
  });

  it.each(recordings)('from %s open, and their users go on where they were', async (recording) => {
    const { data, databaseUrl } = await restore(recording);
    const server = await startKeptServer(data, { DATABASE_URL: databaseUrl });
    try {
      const { signedIn, keyed } = kept;
      const credentials = async (userId: string) => (await server.api.get(`/api/credentials?userId=${userId}`)).body;
      const rotated = { provider, kind: 'plan', account: 'person@fake.test', valid: true };
      expect(await credentials(signedIn.userId)).toMatchObject([{ ...rotated, version: 2 }]);
      expect(await credentials(keyed.userId)).toMatchObject([{ provider, version: 1, kind: 'api-key', valid: true }]);

      expect(await ask(server, signedIn.userId, `read ${signedIn.file}`)).toContain(signedIn.prompt);
      expect(await ask(server, keyed.userId, 'Hello')).toContain('You said: Hello');
      // What the CLI rotates now is the next version of the same credential. It is captured once the prompt has ended.
      await ask(server, signedIn.userId, 'rotate');
      await expect.poll(() => credentials(signedIn.userId)).toMatchObject([{ ...rotated, version: 3 }]);
    } finally {
      await server.stop();
    }
  });
});
