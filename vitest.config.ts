import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

import { createSkipReporter } from './test/setup/skip-reporter.ts';

const isCi = process.env['CI'] === 'true';

/** One run for the whole repository, straight from source: see docs/decisions for why there is no run per package. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@sallyport/source', ...defaultServerConditions] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
    globalSetup: ['test/setup/node-version.ts', 'test/setup/postgres.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: isCi
      ? ['default', ['json', { outputFile: 'test/out/report.json' }], createSkipReporter()]
      : ['default', createSkipReporter()],
  },
});
