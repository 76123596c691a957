import type { Reporter, TestModule } from 'vitest/node';

import { enablingCommand } from './requirements.ts';

/** Says at the end what was not run here and what would enable it. In CI that fails the run. */
export function createSkipReporter(): Reporter {
  let isSelection = false;
  return {
    onInit: (vitest) => {
      // A user who asks for a test by name knows that the others do not run.
      isSelection = vitest.config.testNamePattern !== undefined;
    },
    onTestRunEnd: (modules) => {
      const skipped = isSelection ? [] : modules.flatMap(skippedTests);
      if (skipped.length === 0) return;
      console.log(`Not run on this host: ${skipped.length === 1 ? 'one test' : `${skipped.length} tests`}.`);
      for (const name of skipped) console.log(`  ${name}`);
      const command = enablingCommand();
      if (command !== undefined) console.log(`To run them too: ${command}`);
      if (process.env['CI'] !== 'true') return;
      console.log('In CI nothing may be skipped.');
      process.exitCode = 1;
    },
  };
}

function skippedTests(module: TestModule): readonly string[] {
  return [...module.children.allTests('skipped')].map((test) => `${module.relativeModuleId} › ${test.fullName}`);
}
