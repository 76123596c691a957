import { resolve } from 'node:path';

import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

import { groups } from './groups.ts';
import { HANG_LIMIT_MS } from './support/hang-limit.ts';

const beforeAll = ['test/setup/node-version.ts'];
const project = (name: string, usesMachineImages: boolean, globalSetup: readonly string[]) => ({
  extends: true as const,
  test: {
    name,
    include: Object.entries(groups)
      .filter(([, group]) => group.usesMachineImages === usesMachineImages)
      .map(([directory]) => `${directory}/**/*.e2e.ts`),
    globalSetup: [...globalSetup],
  },
});

/** Real servers, real CLIs, a real browser: one file after the other. */
export default defineConfig({
  ssr: { resolve: { conditions: ['@sallyport/source', ...defaultServerConditions] } },
  test: {
    root: resolve(import.meta.dirname, '..'),
    dir: 'e2e',
    fileParallelism: false,
    testTimeout: HANG_LIMIT_MS,
    hookTimeout: HANG_LIMIT_MS,
    expect: { poll: { timeout: HANG_LIMIT_MS } },
    projects: [
      project('processes', false, beforeAll),
      // Only a run that includes one of these builds the images.
      project('machines', true, [...beforeAll, 'e2e/setup/machine-images.ts']),
    ],
  },
});
