import { lstat, mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { CliLaunch } from '@sallyport/core/protocol';

/** A path of `~/work` in whose place a CLI sees something empty. */
export interface HiddenPath {
  readonly path: string;
  readonly kind: 'directory' | 'file';
}

/**
 * Where a CLI would find what its manifest hides: in its working directory, and in each directory between it and
 * `~/work`. What is missing is made. A symbolic link is refused: what it leads to could be changed between this look and the start of the CLI.
 */
export async function hiddenPaths(
  work: string,
  cwd: string,
  hidden: CliLaunch['hiddenInWork'],
): Promise<readonly HiddenPath[]> {
  if (hidden.length === 0) return [];
  const [realWork, realCwd] = [await realpath(work), await realpath(cwd)];
  // Where a part of the path is a link, the CLI goes up from the directory that it leads to.
  const directories = new Set([...directoriesBetween(work, cwd), ...directoriesBetween(realWork, realCwd)]);
  const paths: HiddenPath[] = [];
  for (const directory of directories) {
    for (const { name, kind } of hidden) {
      const path = join(directory, name);
      // Made when the CLI starts, it would look like a change to a process that stays.
      await makeMountPoint(path, kind);
      paths.push({ path, kind: (await kindOf(path)) ?? kind });
    }
  }
  return paths;
}

/** Makes what something is to be mounted on. Leaves what is there, links too. */
export async function makeMountPoint(path: string, kind: HiddenPath['kind']): Promise<void> {
  try {
    if (kind === 'directory') await mkdir(path);
    else await writeFile(path, '', { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** What may be mounted in place of a path; `undefined` where nothing is there. */
export async function mountableKind(path: string): Promise<HiddenPath['kind'] | 'link' | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined || facts.isDirectory()) return facts && 'directory';
  // A file can be mounted over pipes and sockets as well.
  return facts.isSymbolicLink() ? 'link' : 'file';
}

/** From the inner one to the outer one. Empty where it is not inside. */
function directoriesBetween(outer: string, inner: string): readonly string[] {
  if (inner === outer) return [outer];
  return inner.startsWith(`${outer}/`) ? [inner, ...directoriesBetween(outer, dirname(inner))] : [];
}

async function kindOf(path: string): Promise<HiddenPath['kind'] | undefined> {
  const kind = await mountableKind(path);
  if (kind !== 'link') return kind;
  throw new SallyportError('MACHINE_DISK_UNSAFE', `${path} is a link, so it cannot be hidden.`, {
    hint: 'Remove it, or choose another working directory, and try again.',
  });
}
