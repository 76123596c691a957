import type { Clock } from '@sallyport/core';
import type { ApiKeyRecord, ApiKeyStore } from '@sallyport/core/store';

/** The digests of all API keys, read once for many guesses. */
export interface KnownKeys {
  /** Whether there was such a key at most a second ago, revoked or not. */
  has(keyId: string, sha256: string): Promise<boolean>;
}

const KEPT_MS = 1000;

export function createKnownKeys(store: Pick<ApiKeyStore, 'list'>, clock: Pick<Clock, 'monotonic'>): KnownKeys {
  let list: Promise<readonly ApiKeyRecord[]> | undefined;
  let readAt = -Infinity;
  return {
    has: async (keyId, sha256) => {
      if (clock.monotonic() - readAt >= KEPT_MS) {
        readAt = clock.monotonic();
        list = store.list();
      }
      return (await list)?.some((key) => key.keyId === keyId && key.sha256 === sha256) ?? false;
    },
  };
}
