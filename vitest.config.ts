import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

import { createSecurityReporter } from './test/setup/security-reporter.ts';
import { createSkipReporter } from './test/setup/skip-reporter.ts';

// Every test file, and every program one starts, loads the same packages: Node keeps what it compiled of them here.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

const isCi = process.env['CI'] === 'true';

/** One run for the whole repository, straight from source: a run per package would start a process and a database for each. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@sallyport/source', ...defaultServerConditions] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/setup/node-version.ts', 'test/setup/postgres.ts', 'test/setup/stage-programs.ts'],
    // Test files share a process and the modules it has loaded: loading them for each file took a third of the time. So no
    // test may leave anything behind in a module, in `process.env` or on a timer.
    isolate: false,
    // A test spends much of its time waiting for a program it started, and the processors are idle meanwhile.
    maxWorkers: availableParallelism() + 1,
    // These only end what hangs: on a busy host a test takes many times as long as on an idle one.
    testTimeout: 5 * 60_000,
    hookTimeout: 5 * 60_000,
    expect: { poll: { timeout: 4 * 60_000 } },
    reporters: isCi
      ? ['default', ['json', { outputFile: 'test/out/report.json' }], createSkipReporter(), createSecurityReporter()]
      : ['default', createSkipReporter(), createSecurityReporter()],
  },
});
