import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';

import { isJavaScript } from '@sallyport/core';

import { hasCode } from '../host/safe-directory.ts';

/**
 * What is wrong with the program of an installed CLI: the first of these paths that exists, which is the one that is
 * run. Returns nothing where it can be started: JavaScript has to be readable, anything else executable.
 *
 * @param directory The installation, which the paths are below.
 */
export async function checkProgram(directory: string, paths: readonly string[]): Promise<string | undefined> {
  const program = await findProgram(directory, paths);
  if (program === undefined) return `its package has no ${paths.join(' and no ')}`;
  const mode = isJavaScript(program) ? constants.R_OK : constants.X_OK;
  const isReady = await access(join(directory, program), mode).then(
    () => true,
    () => false,
  );
  return isReady ? undefined : `${program} of its package cannot be executed`;
}

async function findProgram(directory: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await access(join(directory, path));
      return path;
    } catch (error) {
      if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error;
    }
  }
  return undefined;
}
