import type { Check } from '@sallyport/core/driver';

import type { ImageStore } from './store.ts';

/** Names each image whose record cannot be read. Returns no check if there is none. */
export async function checkDamagedImages(images: ImageStore): Promise<readonly Check[]> {
  return (await images.listDamaged()).map(({ name, error }) => ({
    name: `image ${name}`,
    state: 'degraded',
    found: error.message,
    fix: error.hint,
  }));
}
