import type { Reporter, TestModule, TestSpecification, Vitest } from 'vitest/node';

import { failUnproven, findUnproven, readCitedFiles } from './cited-tests.ts';
import type { TestOutcome } from './cited-tests.ts';
import { enablingCommand } from './requirements.ts';

/**
 * Fails a run whose tests do not show what `docs/security.md` says they show, and names the row. After a run of all
 * files, each file cited there must have run. Tests may be skipped where the host cannot run them, but not in CI.
 */
export function createSecurityReporter(): Reporter {
  let vitest: Vitest | undefined;
  let specifications: readonly TestSpecification[] = [];
  return {
    onInit: (context) => void (vitest = context),
    onTestRunStart: (started) => void (specifications = started),
    onTestRunEnd: async (modules) => {
      // In a run of one test by name, the others are skipped.
      if (!vitest || vitest.config.testNamePattern !== undefined) return;
      const isWhole = (await vitest.globTestSpecifications()).length === specifications.length;
      failUnproven(
        findUnproven({
          cited: readCitedFiles(),
          outcomes: new Map(modules.map((module) => [module.relativeModuleId, outcomesOf(module)])),
          // End-to-end tests are checked by their own runner.
          isDue: (file) => isWhole && !file.startsWith('e2e/'),
          allowsSkipped: () => process.env['CI'] !== 'true' && enablingCommand() !== undefined,
        }),
      );
    },
  };
}

function outcomesOf(module: TestModule): readonly TestOutcome[] {
  return [...module.children.allTests()].map((test) => {
    const titles = [test.name];
    for (let { parent } = test; parent.type === 'suite'; { parent } = parent) titles.unshift(parent.name);
    return { titles, state: test.result().state };
  });
}
