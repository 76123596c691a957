import { lstat, rename } from 'node:fs/promises';

import { manifestSchema } from '@sallyport/core';

import { absentIsUndefined, openFolder, unsafe } from '../host/safe-directory.ts';
import type { Owner, SafeFolder } from '../host/safe-directory.ts';

export interface ProviderHomes {
  /** The folder they lie in. */
  readonly homes: string;
  /** The one home of all providers that machines of an earlier version have. */
  readonly earlier: string;
  readonly owner: Owner;
}

/**
 * Opens a provider's home, and makes it where there is none yet. What a machine of an earlier version holds for
 * these paths is moved there first: the folder of each credential with all that the CLI keeps beside it.
 */
export async function openProviderHome(
  { homes, earlier, owner }: ProviderHomes,
  provider: string,
  paths: readonly string[],
): Promise<SafeFolder> {
  // It becomes the name of a folder.
  if (!manifestSchema.shape.id.safeParse(provider).success) {
    throw unsafe(provider, 'is not the id of a provider');
  }
  await using folder = await openFolder(homes, 'the folder of the homes');
  const home = await folder.enter(provider, { owner });
  if (!home) {
    throw unsafe(provider, 'has no home');
  }
  try {
    await using former = await openFolder(earlier, 'the home of the machine');
    for (const unit of new Set(paths.map(unitOf))) {
      await moveUnit(former, home, unit.split('/'), owner);
    }
    return home;
  } catch (error) {
    await home[Symbol.asyncDispose]();
    throw error;
  }
}

/** Folders of the XDG base directory specification: what lies in them belongs to many programs. */
const sharedFolders = new Set(['.cache', '.config', '.local', '.local/share', '.local/state']);

/** What belongs to one provider as a whole: the folder its file lies in, or the file itself. */
function unitOf(path: string): string {
  const file = path.replace(/^~\//, '');
  const folder = file.split('/').slice(0, -1).join('/');
  return folder === '' || sharedFolders.has(folder) ? file : folder;
}

/** Moves one file or folder. What is there already is newer, and stays. */
async function moveUnit(from: SafeFolder, to: SafeFolder, names: readonly string[], owner: Owner): Promise<void> {
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
