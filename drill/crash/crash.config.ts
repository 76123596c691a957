import { createProcessDriver } from '@sallyport/machines';
import { defineConfig } from '@sallyport/server';

import fakeCli from '../../e2e/configs/fake-cli.config.ts';
import { watchDriver } from '../../test/flows/watch-steps.ts';

/** Asks the drill, which may kill this server instead of answering. */
async function reach(step: string): Promise<void> {
  await fetch(process.env['DRILL_STEPS'] ?? '', { method: 'POST', body: step });
}

/** The real driver of processes, and the fake CLI: all that is done to a machine is a step of the drill. */
export default defineConfig({
  ...fakeCli,
  // From the directory of this file.
  providers: ['../../e2e/configs/fake-cli.ts'],
  driver: async ({ dataDirectory, clock }) => {
    const driver = await createProcessDriver({ dataDirectory, clock });
    await driver.reap();
    return watchDriver(driver, async (name, isChange, work) => {
      if (!isChange) return work();
      await reach(`before ${name}`);
      const result = await work();
      await reach(`after ${name}`);
      return result;
    });
  },
});
