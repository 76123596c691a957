import { constants } from 'node:fs';
import { access, chmod, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { isJavaScript } from '@sallyport/core/driver';

import { hasCode } from '../host/safe-directory.ts';

/**
 * Lets every user execute the programs of an installed CLI that are not JavaScript. Some packages ship their binary
 * without an exec bit and set it in an install script, and no script runs.
 *
 * @param directory The installation, which the paths are below. What a symbolic link leads to outside it stays as it is.
 */
export async function makeExecutable(directory: string, paths: readonly string[]): Promise<void> {
  for (const path of paths.filter((each) => !isJavaScript(each))) {
    const file = await resolveBelow(directory, path);
    if (typeof file === 'object' && (await stat(file.path)).isFile()) await chmod(file.path, 0o755);
  }
}

/**
 * What is wrong with the program of an installed CLI: the first of these paths that exists, which is the one that is
 * run. Returns nothing where it can be started: JavaScript has to be readable, anything else executable.
 *
 * @param directory The installation, which the paths are below.
 */
export async function checkProgram(directory: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const file = await resolveBelow(directory, path);
    if (file === 'absent') continue;
    if (file === 'outside') return `${path} of its package is a link that leads out of the installation`;
    const isReady = await access(file.path, isJavaScript(path) ? constants.R_OK : constants.X_OK).then(
      () => true,
      () => false,
    );
    return isReady ? undefined : `${path} of its package cannot be executed`;
  }
  return `its package has no ${paths.join(' and no ')}`;
}

/** Follows every link on the way. */
async function resolveBelow(
  directory: string,
  path: string,
): Promise<{ readonly path: string } | 'absent' | 'outside'> {
  try {
    const [root, file] = await Promise.all([realpath(directory), realpath(join(directory, path))]);
    return file.startsWith(root + sep) ? { path: file } : 'outside';
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR') || hasCode(error, 'ELOOP')) return 'absent';
    throw error;
  }
}
