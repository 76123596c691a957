import { lstat, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { idSchema } from '@sallyport/core/driver';

import { removeTree } from '../host/remove-tree.ts';
import { absentIsUndefined, openDirectory, unsafe } from '../host/safe-directory.ts';
import type { Owner, SafeDirectory } from '../host/safe-directory.ts';

export interface ProviderHomes {
  /** The directory that contains the homes. */
  readonly homes: string;
  /** The home that all providers shared in earlier versions. */
  readonly earlier: string;
  readonly owner: Owner;
}

/**
 * Opens a provider's home and creates it if needed. For a machine from an earlier version, first moves the directory of
 * each credential there, with everything the CLI keeps next to it.
 */
export async function openProviderHome(
  { homes, earlier, owner }: ProviderHomes,
  provider: string,
  paths: readonly string[],
): Promise<SafeDirectory> {
  checkProvider(provider);
  await using folder = await openDirectory(homes, 'the directory of the homes');
  const home = await folder.enter(provider, { owner });
  if (!home) {
    throw unsafe(provider, 'has no home');
  }
  try {
    await using former = await openDirectory(earlier, 'the home of the machine');
    for (const unit of new Set(paths.map(unitOf))) {
      await moveUnit(former, home, unit.split('/'), owner);
    }
    return home;
  } catch (error) {
    await home[Symbol.asyncDispose]();
    throw error;
  }
}

/** Deletes a provider's home. `~/work` is a link or a mount point there, so what is in it stays. */
export async function eraseProviderHome(homes: string, provider: string): Promise<void> {
  checkProvider(provider);
  await removeTree(join(homes, provider));
}

/** The ID becomes a directory name. */
function checkProvider(provider: string): void {
  if (idSchema.safeParse(provider).success) return;
  throw unsafe(provider, 'is not the id of a provider');
}

/** Directories of the XDG base directory specification, which many programs share. */
const sharedDirectories = new Set(['.cache', '.config', '.local', '.local/share', '.local/state']);

/** Returns the path that belongs to one provider: the file's directory, or the file itself. */
function unitOf(path: string): string {
  const file = path.replace(/^~\//, '');
  const folder = file.split('/').slice(0, -1).join('/');
  return folder === '' || sharedDirectories.has(folder) ? file : folder;
}

/** Moves one file or directory. Keeps an existing target, which is newer. */
async function moveUnit(from: SafeDirectory, to: SafeDirectory, names: readonly string[], owner: Owner): Promise<void> {
  const [name = '', ...rest] = names;
  const facts = await lstat(from.path(name)).catch(absentIsUndefined);
  if (!facts) {
    return;
  }
  if (rest.length > 0) {
    await using inner = await from.enter(name);
    await using target = inner && (await to.enter(name, { owner }));
    return inner && target && (await moveUnit(inner, target, rest, owner));
  }
  if (!(await lstat(to.path(name)).catch(absentIsUndefined))) {
    await rename(from.path(name), to.path(name));
  }
}
