import type { ProviderSwitchStore } from '@sallyport/core';

import type { Database } from './database.ts';

/** A row for each provider that is switched off. */
export function createProviderSwitchStore(database: Database): ProviderSwitchStore {
  return {
    disabled: async () => {
      const rows = await database.run((tables) =>
        tables.selectFrom('disabled_providers').select('provider').orderBy('provider').execute(),
      );
      return rows.map((row) => row.provider);
    },
    set: async (provider, disabled) => {
      await database.run(async (tables) => {
        if (disabled) {
          await tables
            .insertInto('disabled_providers')
            .values({ provider })
            .onConflict((conflict) => conflict.column('provider').doNothing())
            .execute();
        } else {
          await tables.deleteFrom('disabled_providers').where('provider', '=', provider).execute();
        }
      });
    },
  };
}
