import { execFile } from 'node:child_process';
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { root } from '../server/sallyport-process.ts';
import { kept, provider, signInByPaste, startKeptServer } from './kept-server.ts';

/**
 * Keeps what a server of this source tree leaves behind: `data.tar.gz`, the data directory, and `database.sql`, made
 * by `pg_dump`. `e2e/host/kept-data.e2e.ts` opens every such pair from then on. Run it before a release or a large change, with
 * an empty database in DATABASE_URL on a server no newer than `pg_dump`:
 *
 *     node --conditions=@sallyport/source test/kept-data/record.ts test/kept-data/2026-11-28
 */
const run = promisify(execFile);
const target = resolve(process.argv[2] ?? '');
const work = await mkdtemp(join(tmpdir(), 'sallyport-kept-'));
const databaseUrl = process.env['DATABASE_URL'] ?? '';
try {
  const data = join(work, 'data');
  await mkdir(data, { mode: 0o711 });
  const server = await startKeptServer(data, { DATABASE_URL: databaseUrl });
  const { signedIn, keyed } = kept;
  await signInByPaste(server, signedIn.userId);
  await server.api.prompt({ userId: signedIn.userId, provider, prompt: signedIn.prompt });
  await server.api.prompt({ userId: signedIn.userId, provider, prompt: 'rotate' });
  await server.api.post(`/api/credentials/${provider}`, { userId: keyed.userId, files: { api_key: keyed.key } });
  await server.stop();

  const dump = await run('pg_dump', ['--inserts', '--no-owner', '--no-privileges', databaseUrl]);
  // psql's own commands are left out: the test sends the text to the server. A machine belongs to the host it is on.
  const sql = dump.stdout.replaceAll(/^\\.*\n/gm, '').replaceAll(`'${hostname()}'`, "'@host@'");
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'database.sql'), sql);
  // Restored elsewhere, it names directories that are not there.
  for await (const record of glob('machines/*/machine.json', { cwd: data })) {
    const text = await readFile(join(data, record), 'utf8');
    await writeFile(join(data, record), text.replaceAll(root, '/opt/sallyport').replaceAll(data, '/var/lib/sallyport'));
  }
  const left = ['./clis', './internet', './lock', 'ca-bundle.pem'].map((pattern) => `--exclude=${pattern}`);
  await run('tar', ['-czf', join(target, 'data.tar.gz'), '--numeric-owner', ...left, '-C', data, '.']);
} finally {
  await rm(work, { recursive: true, force: true });
}
