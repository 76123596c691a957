import { chown, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { createApi } from '../e2e/support/api.ts';
import type { Bench } from './bench.ts';

const LIMIT_MS = 100;
/** The server takes no more from a machine at once. */
const ROTATIONS_PER_MACHINE = 10;
const POLL_MS = 2;
const PATIENCE_MS = 10_000;

/**
 * From the rename that puts a rotated credential file into a running machine's home, to the new version in the answer
 * of `GET /api/credentials`. There is nothing bare to compare with.
 */
export const credentialStored: Bench = {
  name: 'credential-stored',
  run: async (world, count) => {
    const { dataDirectory } = await world.server();
    const samples: number[] = [];
    const known = new Set(await credentialFiles(dataDirectory));
    while (samples.length < count) {
      const { origin, userId } = await world.connected(`rotating-${samples.length}`);
      const file = (await credentialFiles(dataDirectory)).find((found) => !known.has(found));
      if (file === undefined) throw new Error('The new machine has no credential.');
      known.add(file);
      const look = (): Promise<number> => storedVersion(origin, userId);
      await rotate(file, look);
      for (let done = 1; done < ROTATIONS_PER_MACHINE && samples.length < count; done += 1) {
        // Rotations are minutes apart in life: the agent's second look at the last one is over.
        await sleep(200);
        samples.push(await rotate(file, look));
      }
    }
    return [{ title: 'credential written → stored', kind: 'value', unit: 'ms', samples, limit: LIMIT_MS }];
  },
};

/** Writes the file as a CLI does, only with a later time of refresh, and waits for the new version. */
async function rotate(file: string, look: () => Promise<number>): Promise<number> {
  const before = await look();
  const credential = JSON.parse(await readFile(file, 'utf8'));
  const { uid, gid } = await stat(file);
  await writeFile(`${file}.new`, JSON.stringify({ ...credential, last_refresh: new Date().toISOString() }), {
    mode: 0o600,
  });
  await chown(`${file}.new`, uid, gid);
  const began = performance.now();
  await rename(`${file}.new`, file);
  while ((await look()) === before) {
    if (performance.now() - began > PATIENCE_MS) throw new Error('The rotated credential was not stored.');
    await sleep(POLL_MS);
  }
  return performance.now() - began;
}

async function credentialFiles(dataDirectory: string): Promise<readonly string[]> {
  const machines = join(dataDirectory, 'machines');
  const found: string[] = [];
  for (const name of await readdir(machines).catch(() => [])) {
    const file = join(machines, name, 'homes', 'codex', '.codex', 'auth.json');
    if (await stat(file).catch(() => undefined)) found.push(file);
  }
  return found;
}

async function storedVersion(origin: string, userId: string): Promise<number> {
  const { body } = await createApi(origin).get(`/api/credentials?userId=${userId}`);
  return body[0]?.version ?? 0;
}
