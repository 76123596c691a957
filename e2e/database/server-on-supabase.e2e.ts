import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { provider, signInByPaste, startKeptServer } from '../../test/kept-data/kept-server.ts';
import type { KeptServer } from '../../test/kept-data/kept-server.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import type { DebianPostgres } from '../support/debian-postgres.ts';
import { startSupabaseProject, supabaseRoles } from '../support/postgrest.ts';
import type { SupabaseProject } from '../support/postgrest.ts';

let postgres: DebianPostgres;
let project: SupabaseProject;
let work: string;
const userId = 'ada';

beforeAll(async () => {
  postgres = await startDebianPostgres();
  const admin = new Client(postgres.connection);
  await admin.connect();
  await admin.query(supabaseRoles);
  await admin.end();
  await migrate({ connection: postgres.connection });
  project = await startSupabaseProject(postgres.connection, 'public,sallyport');
  work = await mkdtemp(join(tmpdir(), 'sallyport-supabase-'));
  await mkdir(join(work, 'data'), { mode: 0o711 });
});
afterAll(async () => {
  await project.stop();
  await postgres.stop();
  await rm(work, { recursive: true, force: true });
});

const start = (): Promise<KeptServer> =>
  startKeptServer(join(work, 'data'), {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_ROLE_KEY: project.token({ role: 'service_role' }),
  });

async function ask({ api }: KeptServer, prompt: string): Promise<string> {
  const { end, text } = await api.prompt({ userId, provider, prompt });
  expect(end).toMatchObject({ outcome: 'completed' });
  return text;
}

it('keeps a login, rotates it, and goes on after a restart, without a connection to PostgreSQL', async () => {
  const credentials = async ({ api }: KeptServer) => (await api.get(`/api/credentials?userId=${userId}`)).body;
  const first = await start();
  try {
    await signInByPaste(first, userId);
    expect(await ask(first, 'Hello')).toContain('You said: Hello');
    await ask(first, 'rotate');
    await expect.poll(() => credentials(first)).toMatchObject([{ provider, version: 2, valid: true }]);
  } finally {
    await first.stop();
  }
  const second = await start();
  try {
    expect(await ask(second, 'Again')).toContain('You said: Again');
    expect(await credentials(second)).toMatchObject([{ provider, version: 2, valid: true }]);
  } finally {
    await second.stop();
  }
});
