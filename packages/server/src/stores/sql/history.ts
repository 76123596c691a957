import type { HistoryStore } from '@sallyport/core/store';

import type { StoreDatabase } from './database.ts';
import { isUuid } from './json.ts';

export function createHistoryStore(database: StoreDatabase): HistoryStore {
  return {
    erase: async (userId, provider) => {
      if (!isUuid(userId)) return 0;
      return (await database.write('erase_history', { p_user_id: userId, p_provider: provider ?? null })) ?? 0;
    },
    prune: async (ageMs, limit) =>
      (await database.write('prune_history', { p_age_seconds: ageMs / 1000, p_limit: limit })) ?? 0,
  };
}
