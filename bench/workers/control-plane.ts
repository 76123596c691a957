import { once } from 'node:events';
import { join } from 'node:path';

import { openDatabase } from '../support/database.ts';
import { startControlPlane } from '../support/control-plane.ts';

/**
 * A whole server with machines that exist in memory only, alone in a process. Sends its address when it listens, and ends
 * on SIGTERM, or with its parent. Its CLI answers a prompt with 20 texts, and one that asks for silence at the end alone.
 */
await using database = await openDatabase();
await using leftovers = new AsyncDisposableStack();
const store = database.openStore();
leftovers.defer(() => store.close());
const over = Promise.withResolvers<void>();
const plane = await startControlPlane({
  store,
  folder: join(database.folder, 'page'),
  startAtOnce: 64,
  answer: async function* (prompt) {
    if (prompt === 'silence') await over.promise;
    else for (let at = 0; at < 20; at += 1) yield `word ${at} `;
  },
});
leftovers.defer(() => plane.close());
process.send?.(plane.url);
await Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')]);
if (process.connected) process.disconnect();
over.resolve();
