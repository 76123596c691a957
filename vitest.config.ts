import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** One run for the whole repository, straight from source: see docs/decisions for why there is no run per package. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@sallyport/source', ...defaultServerConditions] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
    globalSetup: ['test/setup/node-version.ts', 'test/setup/postgres.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
