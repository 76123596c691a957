import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Unix socket; see `createTestDatabase`. */
    testDatabases: string;
  }
}

/**
 * Databases for tests. One PostgreSQL for the whole run, started when the first test file asks: our embedded one, or
 * the server that TEST_DATABASE_URL names. A client that connects to the socket gets the URL of a new database, a
 * copy of one that has been migrated. It runs in a separate process, since vitest resolves the imports of a global
 * setup without the condition that leads to our sources.
 */
export default async function provideDatabases(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-test-'));
  const waiting: Socket[] = [];
  let cluster: ChildProcess | undefined;
  const server = createServer((socket) => {
    cluster ??= startCluster(join(folder, 'postgres'), waiting);
    waiting.push(socket);
    cluster.send('create');
  });
  const path = join(folder, 'databases.sock');
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  project.provide('testDatabases', path);
  return async () => {
    server.close();
    if (cluster?.connected) {
      const ended = once(cluster, 'exit');
      cluster.disconnect();
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
}

/** Answers come in the order of the questions. */
function startCluster(directory: string, waiting: Socket[]): ChildProcess {
  const program = fileURLToPath(new URL('test-cluster.ts', import.meta.url));
  const cluster = fork(program, [directory], { execArgv: ['--conditions=@sallyport/source'] });
  cluster.on('message', (answer) => waiting.shift()?.end(JSON.stringify(answer)));
  cluster.on('exit', (code) => {
    for (const socket of waiting.splice(0)) socket.end(JSON.stringify({ problem: `its process ended with ${code}` }));
  });
  return cluster;
}
