import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';

import { createFakeProvider, writeFakeCli } from '@sallyport/testkit';

import { createApi } from '../../e2e/support/api.ts';
import type { Api } from '../../e2e/support/api.ts';
import { plantCliDirectory } from '../../e2e/support/cli-folder.ts';
import { root, runSallyport } from '../server/sallyport-process.ts';

export const provider = 'fake';

/** Users of a kept data directory, and what each of them has. */
export const kept = {
  /** Signed in, then the CLI rotated the credential while it ran a prompt: version 2. Has a file in `~/work`. */
  signedIn: { userId: 'ada', file: 'notes.txt', prompt: 'write notes.txt' },
  /** Entered an API key by hand. */
  keyed: { userId: 'grace', key: 'fk-kept-data-0001' },
} as const;

export interface KeptServer {
  readonly api: Api;
  stop(): Promise<void>;
}

/** Names the database in a server's environment. */
type DatabaseVariables = Readonly<Record<'DATABASE_URL' | 'SUPABASE_URL' | 'SUPABASE_SERVICE_ROLE_KEY', string>>;

/** Starts the server from source on this data directory and database, with the fake CLI where it looks for CLIs. */
export async function startKeptServer(
  dataDirectory: string,
  database: Partial<DatabaseVariables>,
): Promise<KeptServer> {
  // `env` finds Node wherever the isolation of this host shows it to machines.
  await writeFakeCli(await plantCliDirectory(dataDirectory, createFakeProvider().manifest), {}, '/usr/bin/env node');
  const server = runSallyport(['--config', join(root, 'e2e/configs/fake-cli.config.ts')], {
    SALLYPORT_DATA_DIR: dataDirectory,
    ...database,
    PORT: '0',
    TMPDIR: dirname(dataDirectory),
  });
  const origin = (await server.saying(/sallyport listening on http:\S+/)).replace('sallyport listening on ', '');
  return {
    api: createApi(origin),
    stop: async () => {
      server.child.kill('SIGTERM');
      const end = await server.ended;
      if (end.code !== 0) throw new Error(`The server ended with ${JSON.stringify(end)} when it was stopped.`);
    },
  };
}

/** Signs in by the `paste` method, whose code the fake CLI keeps as its token. Returns when the credential is stored. */
export async function signInByPaste({ api }: KeptServer, userId: string): Promise<void> {
  const started = await api.post('/api/auth/start', { provider, method: 'paste', userId });
  if (started.status !== 201) throw new Error(`The login was answered ${started.status}.`);
  const { sessionId } = started.body;
  await api.sessionEvents(sessionId, async (event) => {
    if (event.type !== 'prompt') return;
    const answer = { promptId: event.data.promptId, value: `code-${randomUUID()}` };
    await api.post(`/api/auth/session/${sessionId}/answer`, answer);
  });
  const { body } = await api.get(`/api/auth/session/${sessionId}/status`);
  if (body.status !== 'completed') throw new Error(`The login ended ${body.status}: ${body.errorMessage}`);
}
