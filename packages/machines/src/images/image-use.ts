import type { Image } from './image.ts';
import { hashImage } from './hash.ts';

/** Something on this host that needs an image. */
export interface ImageUse {
  /** The name of the image, or the SHA-256 that {@link hashImage} computes: a snapshot records the latter. */
  readonly image: string;
  /** What needs it, for the operator: `machine m-one`. */
  readonly by: string;
}

/** Returns the first use that names this image. */
export function findUse(image: Image, uses: readonly ImageUse[]): ImageUse | undefined {
  const hash = hashImage(image);
  return uses.find((use) => use.image === image.name || use.image === hash);
}
