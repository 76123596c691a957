import { kernelVariant, kernelVariants } from './image.ts';
import type { Image, ImageKind, KernelVariant } from './image.ts';

/**
 * A kind, a name, or a kernel of one variant. `kernel` alone takes ours if there is one, because it boots faster, and
 * Debian's otherwise.
 */
export type WantedImage = ImageKind | (string & {}) | { readonly kind: 'kernel'; readonly variant: KernelVariant };

/** Returns the first image that fits. `images` are sorted, the newest first. */
export function pickImage(images: readonly Image[], wanted: WantedImage): Image | undefined {
  if (wanted === 'kernel') {
    for (const variant of kernelVariants) {
      const kernel = pickImage(images, { kind: 'kernel', variant });
      if (kernel) return kernel;
    }
    return undefined;
  }
  if (typeof wanted === 'string') return images.find(({ kind, name }) => kind === wanted || name === wanted);
  return images.find((image) => image.kind === wanted.kind && kernelVariant(image) === wanted.variant);
}
