import { resolve } from 'node:path';

import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** Real servers, real CLIs, a real browser: one file after the other, with time to spare. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@sallyport/source', ...defaultServerConditions] } },
  test: {
    root: resolve(import.meta.dirname, '..'),
    dir: 'e2e',
    include: ['**/*.e2e.ts'],
    globalSetup: ['test/setup/node-version.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
