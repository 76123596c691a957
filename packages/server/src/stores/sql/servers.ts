import { HEARTBEAT_FRESH_MS, type ServerStore } from '@sallyport/core/store';

import type { StoreDatabase } from './database.ts';

/** Which server owns each host's rows. All times are the database's: clocks of hosts differ. */
export function createServerStore(database: StoreDatabase): ServerStore {
  return {
    get: async (host) => {
      const rows = await database.read('get_server', { p_host: host, p_fresh_seconds: HEARTBEAT_FRESH_MS / 1000 });
      const row = rows?.[0];
      return row && { host, epoch: row.epoch, isFresh: row.is_fresh };
    },
    claim: async (host, expectedEpoch) => {
      const claimed = await database.read('claim_server', { p_host: host, p_expected_epoch: expectedEpoch });
      if (claimed !== true) return false;
      database.fence({ host, epoch: expectedEpoch + 1 });
      return true;
    },
    beat: async (host, epoch) => {
      const isOurs = (await database.read('beat_server', { p_host: host, p_epoch: epoch })) ?? false;
      if (!isOurs) database.supersede({ host, epoch });
      return isOurs;
    },
    release: async (host, epoch) => {
      await database.read('release_server', { p_host: host, p_epoch: epoch });
    },
  };
}
