import { resolve } from 'node:path';

import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const beforeAll = ['test/setup/node-version.ts'];

/** Real servers, real CLIs, a real browser: one file after the other, with time to spare. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@sallyport/source', ...defaultServerConditions] } },
  test: {
    root: resolve(import.meta.dirname, '..'),
    dir: 'e2e',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'processes',
          include: ['**/*.e2e.ts'],
          exclude: ['machines/**', 'long/**'],
          globalSetup: beforeAll,
        },
      },
      {
        extends: true,
        test: {
          name: 'machines',
          include: ['{machines,long}/**/*.e2e.ts'],
          // Whoever runs none of these needs no images.
          globalSetup: [...beforeAll, 'e2e/setup/machine-images.ts'],
        },
      },
    ],
  },
});
