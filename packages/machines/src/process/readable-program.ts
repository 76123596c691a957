import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { makeReadable } from '../cli/readable-tree.ts';
import { removeTree } from '../host/remove-tree.ts';
import { hasCode } from '../host/safe-directory.ts';

/**
 * A program that a machine's user can read: itself, or a copy. An operator whose umask hides everything new
 * from others has installed Node and the agent readable for root alone.
 *
 * @param path The file, or the directory it lies in.
 * @param entry A file whose time and size change when the program does.
 */
export async function readableProgram(path: string, entry: string, copies: string): Promise<string> {
  const facts = await stat(entry);
  // A program file must be executable, a directory enterable; the agent's own file is only read.
  if ((facts.mode & 0o004) !== 0 && ((await stat(path)).mode & 0o005) === 0o005) {
    return path;
  }
  const family = createHash('sha256').update(path).digest('hex').slice(0, 16);
  const name = `${family}-${facts.mtimeMs.toString(36)}-${facts.size.toString(36)}`;
  const target = join(copies, name);
  await mkdir(copies, { recursive: true, mode: 0o700 });
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
    // Another machine was quicker.
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) {
      throw error;
    }
    await removeTree(temporary);
  }
  const former = present.filter((other) => other.startsWith(`${family}-`) && !other.endsWith('.tmp'));
  await Promise.all(former.map((other) => removeTree(join(copies, other))));
  return target;
}
