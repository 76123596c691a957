import type { Clock } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/protocol';
import type { CredentialItem } from '@sallyport/core/provider';

import { cliPlace } from '../cli/cli-place.ts';
import type { PlaceConfig } from '../cli/cli-place.ts';
import type { EventLog } from '../event-log.ts';
import { watchCredential } from './credential-watch.ts';
import type { Offers } from './offers.ts';

/** The credentials this machine keeps an eye on, one for each provider. */
export interface Watches {
  /** Offers what is there now and every later version. Asking again replaces the watch. */
  watch(provider: string, items: readonly CredentialItem[]): Promise<void>;
  close(): void;
}

export function createWatches(options: {
  readonly boot: PlaceConfig & Pick<BootConfig, 'role'>;
  readonly offers: Offers;
  readonly log: EventLog;
  readonly clock: Clock;
}): Watches {
  const { boot, offers, log, clock } = options;
  const watches = new Map<string, AbortController>();
  return {
    watch: async (provider, items) => {
      const place = cliPlace(boot, provider);
      await place.prepare();
      watches.get(provider)?.abort();
      const over = new AbortController();
      watches.set(provider, over);
      watchCredential({
        place: { home: place.home, role: boot.role, items },
        clock,
        signal: over.signal,
        onComplete: (files) => offers.offer({ provider, files }),
        onRejected: (problem) => log.publish({ type: 'credential.rejected', provider, problem }),
      });
    },
    close: () => {
      for (const over of watches.values()) over.abort();
    },
  };
}
