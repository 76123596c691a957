import { SallyportError } from '@sallyport/core';
import type { MachineRole } from '@sallyport/core/driver';

import type { ImageStore } from '../images/store.ts';

/**
 * Reads the images for new machines in full, to detect a damaged one before a user waits for a machine. Throws one error
 * that names all missing images and the commands that build them.
 */
export async function requireImages(
  store: ImageStore,
  roles: readonly MachineRole[],
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const there = new Set((await store.list()).map(({ kind }) => kind));
  const missing = (['kernel', ...roles] as const).filter((kind) => !there.has(kind));
  if (missing.length === 0) {
    await store.open('kernel', options);
    for (const kind of ['cli', 'browser'] as const) if (there.has(kind)) await store.open(kind, options);
    return;
  }
  throw new SallyportError('MACHINE_IMAGE_MISSING', `Virtual machines need images: ${missing.join(', ')} missing.`, {
    hint: missing.map((kind) => `sallyport images build ${kind}`).join(' && '),
  });
}
