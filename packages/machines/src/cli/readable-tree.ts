import { chmod, lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** Lets every user of the host read a tree, and run what is executable in it: `chmod -R a+rX`. */
export async function makeReadable(path: string): Promise<void> {
  const facts = await lstat(path);
  if (facts.isSymbolicLink()) {
    return;
  }
  const canRun = facts.isDirectory() || (facts.mode & 0o111) !== 0;
  const mode = (facts.mode & 0o777) | (canRun ? 0o555 : 0o444);
  await chmod(path, mode);
  if (facts.isDirectory()) {
    for await (const entry of await opendir(path)) {
      await makeReadable(join(path, entry.name));
    }
  }
}
