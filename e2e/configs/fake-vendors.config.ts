import { join } from 'node:path';

import { defineConfig } from '@sallyport/server';
import { createFakeInternet, practiceScripts } from '@sallyport/testkit';
import type { FakeInternet } from '@sallyport/testkit';

let internet: FakeInternet | undefined;

/** Every provider that Sallyport brings, each with its real CLI and its made-up vendor. */
export default defineConfig({
  providers: ['@sallyport/provider-claude', '@sallyport/provider-codex', '@sallyport/provider-gemini'],
  // A made-up vendor has no terms.
  iHaveReadTheTermsOf: ['claude_code'],
  egress: async ({ dataDirectory, clock }) => {
    const vendors = practiceScripts.map((script) => ({ ...script, vendor: script.create({ clock }) }));
    for (const { vendor, faults } of vendors) if (faults) vendor.control.setFaults(faults);
    internet = await createFakeInternet({
      directory: join(dataDirectory, 'internet'),
      sites: Object.assign({}, ...vendors.map(({ vendor }) => vendor.sites)),
      controls: Object.fromEntries(vendors.map(({ name, vendor }) => [name, vendor.control])),
      clock,
    });
    return internet;
  },
  personUrl: (href) => internet?.personUrl(href) ?? href,
});
