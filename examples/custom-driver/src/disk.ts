import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { homePathSchema, idSchema, MAX_CREDENTIAL_BYTES } from '@sallyport/core/driver';
import type { MachineDisk, PlacedFile } from '@sallyport/core/driver';

export interface DirectoryDiskOptions {
  /** A directory for each provider lies in it. */
  readonly homes: string;
  /** Throws MACHINE_BUSY while the machine runs. */
  readonly requireStopped: () => void;
}

/**
 * The homes of a stopped machine. What lies in them was put there by its user, so no link is followed: every
 * name on the way is looked at first, which is enough while nothing runs that could change it.
 */
export function createDirectoryDisk({ homes, requireStopped }: DirectoryDiskOptions): MachineDisk {
  /** Checks everything before anything is touched. */
  async function locate(provider: string, paths: readonly string[]): Promise<readonly string[]> {
    const bad = paths.find((path) => !homePathSchema.safeParse(path).success);
    if (bad !== undefined) throw unsafe(bad, 'is not a path that credentials may have');
    if (!idSchema.safeParse(provider).success) throw unsafe(provider, 'is not the id of a provider');
    requireStopped();
    return Promise.all(paths.map((path) => safePath(join(homes, provider), path)));
  }

  return {
    harvest: async (provider, paths) => {
      const files = await locate(provider, paths);
      const found = await Promise.all(files.map((file, index) => read(file, paths[index] ?? '')));
      return found.filter((file) => file !== undefined);
    },
    inject: async (provider, files) => {
      const targets = await locate(
        provider,
        files.map(({ path }) => path),
      );
      for (const [index, { path, content, mode }] of files.entries()) {
        const target = targets[index] ?? '';
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        // In its place at once, or not at all.
        await writeFile(`${target}.new`, content, { mode: 0o600, flush: true });
        await chmod(`${target}.new`, mode);
        await rename(`${target}.new`, target);
        if ((await read(target, path))?.content !== content) throw unsafe(path, 'does not read back as it was written');
      }
    },
    remove: async (provider, paths) => {
      for (const file of await locate(provider, paths)) await rm(file, { force: true });
    },
  };
}

/** The path on this host, after a look at each name on the way to it. */
async function safePath(home: string, path: string): Promise<string> {
  const names = path.split('/').slice(1);
  let way = home;
  for (const name of ['', ...names.slice(0, -1)]) {
    way = join(way, name);
    const facts = await tryStat(way);
    if (!facts) break;
    if (!facts.isDirectory()) throw unsafe(path, 'leads through something other than a directory');
  }
  return join(home, ...names);
}

async function read(file: string, path: string): Promise<PlacedFile | undefined> {
  const facts = await tryStat(file);
  if (!facts) return undefined;
  if (!facts.isFile() || facts.nlink !== 1) throw unsafe(path, 'is not a regular file');
  if (facts.size > MAX_CREDENTIAL_BYTES) throw unsafe(path, `is larger than ${MAX_CREDENTIAL_BYTES} bytes`);
  await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  return { path, content: await handle.readFile('utf8'), mode: facts.mode & 0o777 };
}

async function tryStat(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function unsafe(path: string, problem: string): SallyportError {
  return new SallyportError(
    'MACHINE_DISK_UNSAFE',
    `${path} on the machine's disk ${problem}; nothing was read or written.`,
  );
}
