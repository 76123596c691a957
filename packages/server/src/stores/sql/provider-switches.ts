import type { ProviderSwitchStore } from '@sallyport/core/store';

import type { StoreDatabase } from './database.ts';

/** A row for each provider that is switched off. */
export function createProviderSwitchStore(database: StoreDatabase): ProviderSwitchStore {
  return {
    disabled: async () => (await database.read('list_disabled_providers', {})) ?? [],
    set: async (provider, disabled) => {
      await database.write('set_provider_disabled', { p_provider: provider, p_disabled: disabled });
    },
  };
}
