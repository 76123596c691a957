import { join } from 'node:path';

import { defineConfig } from '@sallyport/server';
import { createFakeInternet, fakeVendorScripts } from '@sallyport/testkit/vendors';
import type { FakeInternet } from '@sallyport/testkit/vendors';

let internet: FakeInternet | undefined;

/** Every provider that Sallyport brings, each with its real CLI and its fake vendor. */
export default defineConfig({
  providers: ['@sallyport/provider-claude', '@sallyport/provider-codex', '@sallyport/provider-gemini'],
  // A fake vendor has no terms.
  acceptedTerms: ['claude_code'],
  egress: async ({ dataDirectory, clock }) => {
    const vendors = fakeVendorScripts.map((script) => ({ ...script, vendor: script.create({ clock }) }));
    for (const { vendor, faults } of vendors) if (faults) vendor.control.setFaults(faults);
    internet = await createFakeInternet({
      directory: join(dataDirectory, 'internet'),
      sites: Object.assign({}, ...vendors.map(({ vendor }) => vendor.sites)),
      controls: Object.fromEntries(vendors.map(({ name, vendor }) => [name, vendor.control])),
      clock,
    });
    return internet;
  },
  userUrl: (href) => internet?.userUrl(href) ?? href,
});
