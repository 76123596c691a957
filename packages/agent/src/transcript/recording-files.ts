import { randomUUID } from 'node:crypto';
import { lstat, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';

/**
 * Checks that new files can be written here, before a user logs in for them.
 *
 * @throws {SallyportError} CONFIG_INVALID: the directory is missing or not writable, or a file is there already.
 */
export async function checkFiles(paths: readonly string[]): Promise<void> {
  for (const directory of new Set(paths.map((path) => dirname(path)))) {
    const facts = await stat(directory).catch(() => undefined);
    if (facts && !facts.isDirectory()) {
      throw new SallyportError('CONFIG_INVALID', `${directory} is a file, and the recording needs a directory.`, {
        hint: 'Name a directory with --out.',
      });
    }
    if (!facts) {
      throw new SallyportError('CONFIG_INVALID', `The directory ${directory} for the recording does not exist.`, {
        hint: 'Create it, or name another one with --out.',
      });
    }
    await tryToWrite(directory).catch((cause: unknown) => {
      throw new SallyportError('CONFIG_INVALID', `The directory ${directory} for the recording cannot be written to.`, {
        hint: 'Change its permissions, or name another one with --out.',
        cause,
      });
    });
  }
  for (const path of paths) {
    // A link that leads nowhere is in the way too.
    if ((await lstat(path).catch(() => undefined)) === undefined) continue;
    throw new SallyportError('CONFIG_INVALID', `The recording ${path} exists already.`, {
      hint: 'Move it away, or name another directory with --out.',
    });
  }
}

/** Permissions do not tell all: root has every one, and still cannot write to each file system. */
async function tryToWrite(directory: string): Promise<void> {
  const file = join(directory, `.sallyport-${randomUUID()}`);
  await writeFile(file, '', { flag: 'wx' });
  await rm(file);
}

/** Writes new files. None of them replaces another. */
export async function writeFiles(files: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of files) await writeFile(path, content, { flag: 'wx' });
}
