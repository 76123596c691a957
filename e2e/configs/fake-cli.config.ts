import { join } from 'node:path';

import { defineConfig } from '@sallyport/server';
import { createFakeLogin } from '@sallyport/testkit';
import { createFakeInternet } from '@sallyport/testkit/vendors';
import type { FakeInternet } from '@sallyport/testkit/vendors';

let internet: FakeInternet | undefined;

/** The fake CLI of the testkit instead of a real one, and its vendor, who signs everybody in at once. */
export default defineConfig({
  providers: ['./fake-cli.ts'],
  egress: async ({ dataDirectory, clock }) => {
    const login = createFakeLogin();
    const controls = { login: login.control };
    internet = await createFakeInternet({
      directory: join(dataDirectory, 'internet'),
      sites: login.sites,
      controls,
      clock,
    });
    return internet;
  },
  userUrl: (href) => internet?.userUrl(href) ?? href,
});
