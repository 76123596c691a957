import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import type { TestProjectInlineConfiguration } from 'vitest/config';

import { groups } from './groups.ts';
import { HANG_LIMIT_MS } from './support/hang-limit.ts';

/** A test of this group mostly waits for a program that it has started, and shares nothing with the others. */
const SIDE_BY_SIDE = 'host';

type ProjectOptions = NonNullable<TestProjectInlineConfiguration['test']>;

const project = (
  name: string,
  directories: readonly string[],
  options: ProjectOptions,
): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include: directories.map((directory) => `${directory}/**/*.e2e.ts`),
    ...options,
    globalSetup: ['test/setup/node-version.ts', options.globalSetup ?? []].flat(),
  },
});

const inTurn = (usesMachineImages: boolean): readonly string[] =>
  Object.entries(groups)
    .filter(([name, group]) => name !== SIDE_BY_SIDE && group.usesMachineImages === usesMachineImages)
    .map(([name]) => name);

/** Real servers, real CLIs, a real browser: one file after the other, except for one group. */
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
      project('processes', inTurn(false), { sequence: { groupOrder: 0 } }),
      // Only a run that includes one of these builds the images.
      project('machines', inTurn(true), {
        globalSetup: ['e2e/setup/machine-images.ts'],
        sequence: { groupOrder: 1 },
      }),
      project(SIDE_BY_SIDE, [SIDE_BY_SIDE], {
        globalSetup: ['test/setup/postgres.ts', 'test/setup/stage-programs.ts'],
        fileParallelism: true,
        maxWorkers: availableParallelism() + 1,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
});
