import type { Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeProviderSwitches(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  describe('switches of providers', () => {
    it('remember what is off, in order, however often it is switched', async () => {
      const { providerSwitches } = await create();
      for (const provider of ['zebra', 'acme', 'acme']) await providerSwitches.set(provider, true);
      await expect(providerSwitches.disabled()).resolves.toEqual(['acme', 'zebra']);
      for (const provider of ['zebra', 'zebra', 'never_off']) await providerSwitches.set(provider, false);
      await expect(providerSwitches.disabled()).resolves.toEqual(['acme']);
      await providerSwitches.set('acme', false);
      await expect(providerSwitches.disabled()).resolves.toEqual([]);
    });
  });
}
