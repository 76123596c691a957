import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The npm that runs under this Node: the one beside it, else the first in the operator's PATH. */
export async function findNpm(): Promise<string | undefined> {
  const folders = [dirname(process.execPath), ...(process.env['PATH'] ?? '').split(':')];
  for (const folder of folders) {
    const path = join(folder, 'npm');
    try {
      await access(path);
      return path;
    } catch {
      // Not here: look in the next directory.
    }
  }
  return undefined;
}
