import { homePathSchema, idSchema } from '@sallyport/core/driver';
import type { MachineRole } from '@sallyport/core/driver';

import { unsafePath } from './unsafe-disk.ts';

/** The machine's one user. */
export const GUEST_UID = 1000;

/** A directory of the disk and whom it belongs to where it has to be made. */
export interface DiskDirectory {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
}

/** Where a file of a provider lies on the disk. */
export interface DiskPlace {
  /** As the machine knows it, from `~/`. */
  readonly shown: string;
  readonly path: string;
  /** Every directory on the way to it, outermost first. */
  readonly folders: readonly DiskDirectory[];
}

const ROOTS = { path: ['upper', 'sallyport'], mode: 0o755, uid: 0 } as const;

/**
 * Finds the place of each file. `/upper` holds what the machine changed of its image; the directories that the image has
 * too are made as they are there, for the machine would see these in place of its image's.
 */
export function placesOf(role: MachineRole, provider: string, paths: readonly string[]): readonly DiskPlace[] {
  checkProvider(provider);
  const home = role === 'cli' ? ['homes', provider] : ['home'];
  return paths.map((shown) => {
    if (!homePathSchema.safeParse(shown).success) {
      throw unsafePath(shown, 'is not a path that credentials may have');
    }
    return placeAt(shown, [...ROOTS.path, ...home, ...shown.split('/').slice(1)]);
  });
}

/** Finds the place of a provider's home in a CLI machine. The one home of other machines goes with them. */
export function homePlace(provider: string): DiskPlace {
  checkProvider(provider);
  return placeAt('~', [...ROOTS.path, 'homes', provider]);
}

/** The ID becomes a directory name. */
function checkProvider(provider: string): void {
  if (idSchema.safeParse(provider).success) return;
  throw unsafePath(provider, 'is not the id of a provider');
}

function placeAt(shown: string, names: readonly string[]): DiskPlace {
  const folders = names.slice(0, -1).map((_name, index) => ({
    path: `/${names.slice(0, index + 1).join('/')}`,
    ...(index < ROOTS.path.length ? { mode: ROOTS.mode, uid: ROOTS.uid } : { mode: 0o700, uid: GUEST_UID }),
  }));
  return { shown, path: `/${names.join('/')}`, folders };
}
