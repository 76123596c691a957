import { join } from 'node:path';

import { defineConfig } from '@sallyport/server';
import {
  createFakeAnthropic,
  createFakeGoogle,
  createFakeInternet,
  createFakeOpenai,
} from '@sallyport/testkit/vendors';
import type { FakeInternet } from '@sallyport/testkit/vendors';

let internet: FakeInternet | undefined;

/**
 * What `npm start -- --demo` runs: the real CLIs, and fake vendors in place of the internet. Logins are kept across
 * restarts.
 */
export default defineConfig({
  providers: ['@sallyport/provider-codex', '@sallyport/provider-claude', '@sallyport/provider-gemini'],
  // A fake vendor has no terms.
  acceptedTerms: ['claude_code'],
  egress: async ({ dataDirectory, clock }) => {
    const stateFile = (vendor: string): string => join(dataDirectory, `demo-vendor-${vendor}.json`);
    const vendors = {
      openai: createFakeOpenai({ clock, stateFile: stateFile('openai') }),
      anthropic: createFakeAnthropic({ clock, stateFile: stateFile('anthropic') }),
      google: createFakeGoogle({ clock, stateFile: stateFile('google') }),
    };
    const { openai, anthropic, google } = vendors;
    internet = await createFakeInternet({
      directory: join(dataDirectory, 'internet'),
      sites: { ...openai.sites, ...anthropic.sites, ...google.sites },
      controls: { openai: openai.control, anthropic: anthropic.control, google: google.control },
      clock,
    });
    return internet;
  },
  userUrl: (href) => internet?.userUrl(href) ?? href,
});
