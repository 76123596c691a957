import { join } from 'node:path';

import { defineConfig } from '@sallyport/server';
import { createFakeInternet, createFakeOpenai } from '@sallyport/testkit';
import type { FakeInternet } from '@sallyport/testkit';

let internet: FakeInternet | undefined;

/**
 * What `npm start -- --demo` runs: the real Codex CLI, and a made-up vendor in place of the internet. Logins are kept
 * across restarts.
 */
export default defineConfig({
  providers: ['@sallyport/provider-codex'],
  egress: async ({ dataDirectory, clock }) => {
    const openai = createFakeOpenai({
      clock,
      stateFile: join(dataDirectory, 'demo-vendor.json'),
    });
    internet = await createFakeInternet({
      directory: join(dataDirectory, 'internet'),
      sites: openai.sites,
      controls: { openai: openai.control },
      clock,
    });
    return internet;
  },
  personUrl: (href) => internet?.personUrl(href) ?? href,
});
