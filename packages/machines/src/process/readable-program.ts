import { createHash, randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { makeReadable } from '../cli/readable-tree.ts';
import { removeTree } from '../host/remove-tree.ts';
import { hasCode } from '../host/safe-directory.ts';

/**
 * Returns a path of the program that a machine's user can read: the original or a copy. With a restrictive umask, Node
 * and the agent are installed readable only by root.
 *
 * @param path The file or its directory.
 * @param entry A file whose modification time and size change with the program.
 */
export async function readableProgram(path: string, entry: string, copies: string): Promise<string> {
  const facts = await stat(entry);
  // Programs and directories need the execute bit; the agent's entry file is only read.
  if ((facts.mode & 0o004) !== 0 && ((await stat(path)).mode & 0o005) === 0o005) {
    return path;
  }
  const family = createHash('sha256').update(path).digest('hex').slice(0, 16);
  const name = `${family}-${facts.mtimeMs.toString(36)}-${facts.size.toString(36)}`;
  const target = join(copies, name);
  await mkdir(copies, { recursive: true });
  // Machines without bubblewrap pass through it; mkdir(2) masks the mode with the umask.
  await chmod(copies, 0o711);
  const present = await readdir(copies);
  if (present.includes(name)) {
    return target;
  }
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  await cp(path, temporary, { recursive: true, verbatimSymlinks: true });
  await makeReadable(temporary);
  try {
    await rename(temporary, target);
  } catch (error) {
    // Another machine has already made the copy.
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) {
      throw error;
    }
    await removeTree(temporary);
  }
  const former = present.filter((other) => other.startsWith(`${family}-`) && !other.endsWith('.tmp'));
  await Promise.all(former.map((other) => removeTree(join(copies, other))));
  return target;
}
