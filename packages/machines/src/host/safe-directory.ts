import { constants } from 'node:fs';
import { chown, lstat, mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

/** User and group of new files; `undefined` for the server's user and group. */
export type Owner = number | undefined;

/**
 * An open directory that never follows symlinks. Node has no `openat(2)`; on Linux, a path through
 * `/proc/self/fd/<descriptor>` is equivalent. Elsewhere the full path is used, which is safe while the machine is
 * stopped.
 */
export interface SafeDirectory extends AsyncDisposable {
  /** Returns the path of an entry in this directory. */
  path(name: string): string;
  /** Opens a subdirectory. Returns `undefined` if it is missing and not to be created. */
  enter(name: string, make?: { readonly owner: Owner }): Promise<SafeDirectory | undefined>;
}

export async function openDirectory(path: string, shown: string): Promise<SafeDirectory> {
  const handle = await open(path, FOLDER_FLAGS).catch((cause: unknown) => {
    throw unsafe(shown, 'is not a directory', cause);
  });
  return wrapDirectory(handle, path, shown);
}

/** Creates an error that names the path as the machine sees it. */
export function unsafe(shown: string, problem: string, cause?: unknown): SallyportError {
  return new SallyportError(
    'MACHINE_DISK_UNSAFE',
    `${shown} on the machine's disk ${problem}; nothing was read or written.`,
    {
      details: { path: shown },
      cause,
    },
  );
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function wrapDirectory(handle: FileHandle, spelled: string, shown: string): SafeDirectory {
  const base = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : spelled;
  const path = (name: string): string => join(base, name);

  async function enter(name: string, make?: { readonly owner: Owner }): Promise<SafeDirectory | undefined> {
    const inner = `${shown}/${name}`;
    let facts = await lstat(path(name)).catch(absentIsUndefined);
    if (!facts && make) {
      await mkdir(path(name), { mode: 0o700 });
      if (make.owner !== undefined) {
        await chown(path(name), make.owner, make.owner);
      }
      facts = await lstat(path(name));
    }
    if (!facts) {
      return undefined;
    }
    if (!facts.isDirectory()) {
      throw unsafe(inner, 'is not a directory');
    }
    const opened = await open(path(name), FOLDER_FLAGS).catch((cause: unknown) => {
      throw unsafe(inner, 'cannot be opened as a directory', cause);
    });
    return wrapDirectory(opened, join(spelled, name), inner);
  }

  return { path, enter, [Symbol.asyncDispose]: () => handle.close() };
}

export function absentIsUndefined(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) {
    throw error;
  }
}
