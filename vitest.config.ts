import { availableParallelism } from 'node:os';

import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

import { createSkipReporter } from './test/setup/skip-reporter.ts';

const isCi = process.env['CI'] === 'true';

/** One run for the whole repository, straight from source: a run per package would start a process and a database for each. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@sallyport/source', ...defaultServerConditions] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/setup/node-version.ts', 'test/setup/postgres.ts'],
    // Half of its time, a test waits for programs that it has started.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Against what hangs. On a host with other work a test takes many times as long as alone.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: isCi
      ? ['default', ['json', { outputFile: 'test/out/report.json' }], createSkipReporter()]
      : ['default', createSkipReporter()],
  },
});
