import { once } from 'node:events';
import { createServer } from 'node:net';

import { SallyportError } from '@sallyport/core';
import type { Check } from '@sallyport/core/driver';

import { hasCode } from '../host/node-error.ts';
import { findPostgresBinaries } from '../postgres/binaries.ts';
import type { DatabaseChoice } from '../stores/database-choice.ts';
import { connect } from '../stores/routes/connect.ts';
import { openSupabaseStore } from '../stores/supabase-store.ts';

/** Whether the database that the server would use can be used. Changes nothing in it. */
export async function checkDatabase(choice: DatabaseChoice): Promise<Check> {
  try {
    if (choice.kind === 'postgres') return await checkPostgres(choice.url.reveal());
    if (choice.kind === 'supabase') {
      const store = await openSupabaseStore(choice);
      await store.close();
      return { name: 'SUPABASE_URL', state: 'ok', found: 'the project answers, and has every migration' };
    }
  } catch (error) {
    if (!SallyportError.isInstance(error)) throw error;
    const name = choice.kind === 'supabase' ? 'SUPABASE_URL' : 'DATABASE_URL';
    return { name, state: 'missing', found: error.message, fix: error.hint };
  }
  return checkEmbedded();
}

async function checkPostgres(connectionString: string): Promise<Check> {
  const client = await connect({ connectionString, application_name: 'sallyport doctor' });
  try {
    const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
    const { host, port, database, user } = client;
    const found = `PostgreSQL ${rows[0]?.version} at ${host}:${port} (database ${database}, user ${user})`;
    return { name: 'DATABASE_URL', state: 'ok', found };
  } finally {
    await client.end();
  }
}

async function checkEmbedded(): Promise<Check> {
  const name = 'embedded PostgreSQL';
  try {
    const { majorVersion } = await findPostgresBinaries();
    return { name, state: 'ok', found: `version ${majorVersion}` };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { name, state: 'missing', found, fix: 'Run npm ci without --omit=optional, or set DATABASE_URL.' };
  }
}

/** Whether the server could listen there. Port 0 is any that is free. */
export async function checkPort(host: string, port: number): Promise<Check> {
  const name = 'port';
  const probe = createServer().listen(port, host);
  try {
    await once(probe, 'listening');
    return { name, state: 'ok', found: port === 0 ? `any free one on ${host}` : `${host}:${port} is free` };
  } catch (error) {
    const found = hasCode(error, 'EADDRINUSE')
      ? `${host}:${port} is taken by ${await nameHolder(host, port)}`
      : `${host}:${port} cannot be listened on: ${error instanceof Error ? error.message : String(error)}`;
    return { name, state: 'missing', found, fix: 'Free the port, or set PORT to another one.' };
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}

const HOLDER_MS = 2_000;

async function nameHolder(host: string, port: number): Promise<string> {
  const address = host.includes(':') ? `[${host}]` : host;
  try {
    const answer = await fetch(`http://${address}:${port}/health`, { signal: AbortSignal.timeout(HOLDER_MS) });
    const { status, timestamp } = Object(await answer.json());
    if (status === 'ok' && typeof timestamp === 'string') return 'a Sallyport server that runs';
  } catch {
    // It speaks something else, or nothing.
  }
  return 'another program';
}

/** Says in one sentence what the findings mean for `sallyport serve`. What is missing keeps it from working. */
export function verdictOf(checks: readonly Check[]): { readonly works: boolean; readonly sentence: string } {
  const missing = checks.filter(({ state }) => state === 'missing').map(({ name }) => name);
  if (missing.length > 0)
    return { works: false, sentence: `\`sallyport serve\` would not work here: fix ${missing.join(', ')} first.` };
  const degraded = checks.filter(({ state }) => state === 'degraded').length;
  const better = degraded === 0 ? '' : ` ${degraded} of ${checks.length} findings could be better.`;
  return { works: true, sentence: `\`sallyport serve\` would work here.${better}` };
}
