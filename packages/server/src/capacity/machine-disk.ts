import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** MiB that a machine takes on the disk: everything of the data directory that lies in directories named after it. */
export async function diskMbOf(dataDirectory: string, machineId: string): Promise<number> {
  let blocks = 0;
  for (const place of await readdir(dataDirectory, { withFileTypes: true })) {
    if (!place.isDirectory()) continue;
    const folder = join(dataDirectory, place.name, machineId);
    for (const name of ['.', ...(await readdir(folder, { recursive: true }).catch(() => []))])
      blocks += (await lstat(join(folder, name)).catch(() => undefined))?.blocks ?? 0;
  }
  // Of 512 bytes, whatever the file system's own are (stat(2)); a hole takes none.
  return (blocks * 512) / 2 ** 20;
}
