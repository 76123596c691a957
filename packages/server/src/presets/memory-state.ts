import { randomBytes } from 'node:crypto';

import { Secret } from '@sallyport/core';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import { createMemoryStore } from '@sallyport/core/store';
import type { Clock, SallyportOptions } from '@sallyport/core';

/** A store and a master key that end with this process. */
export function createMemoryState(clock: Clock): Pick<SallyportOptions, 'store' | 'keyRing'> {
  const key = new Secret(new Uint8Array(randomBytes(32)));
  return {
    store: createMemoryStore({ clock }),
    keyRing: createLocalKeyRing({ keys: { memory: key }, current: 'memory' }),
  };
}
