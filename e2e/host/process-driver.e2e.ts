import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import { connectAgent, createProcessDriver } from '@sallyport/machines';
import { describeDriver } from '@sallyport/testkit';
import type { DriverUnderTest } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { createWorkbench, token } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { chooseIsolation } from '../../packages/machines/src/process/isolation.ts';
import { reachable } from '../../test/setup/reachable.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';

const works = (await chooseIsolation('auto')).bubblewrap !== undefined;
/** `npm test` builds it. */
const agent = reachable(join(import.meta.dirname, '../../packages/agent/dist/agent'));
for (const isolation of ['bubblewrap', 'none'] as const) {
  const skipped = isolation === 'bubblewrap' && !works;
  async function create(): Promise<DriverUnderTest> {
    const bench = await createWorkbench();
    const open = () =>
      createProcessDriver({ dataDirectory: join(bench.directory, 'data'), clock: systemClock, isolation });
    return {
      driver: await open(),
      plan: (role) => bench.plan({ role }),
      egress: bench.egress,
      clis: {
        directory: bench.directory,
        agent,
        connectAgent,
        homesApart: isolation === 'bubblewrap' || 'plain processes see the files of the host',
      },
      restart: open,
      cleanUp: () => bench.cleanUp(),
    };
  }
  describe.skipIf(skipped)(`isolation ${isolation}${skipped ? ' (needs bubblewrap)' : ''}`, () => {
    describeDriver(
      `process, isolation ${isolation}`,
      create,
      { describe, it, expect },
      { hibernates: 'processes share the kernel of their host, which saves none' },
    );
  });

  describe.skipIf(skipped)(`the built agent in a machine, isolation ${isolation}`, () => {
    it('answers, and ends by itself when it is asked to', async () => {
      const bench = await createWorkbench();
      const driver = await createProcessDriver({
        dataDirectory: join(bench.directory, 'data'),
        clock: systemClock,
        isolation,
      });
      const signal = AbortSignal.timeout(HANG_LIMIT_MS);
      const plan = bench.plan({
        agent: { directory: agent, entry: 'main.js', nodeArgs: [], node: reachable(process.execPath) },
      });
      const machine = await driver.create(plan, { signal });
      try {
        await machine.start(bench.startOptions());
        expect(await connectAgent(machine, new Secret(token)).health(signal)).toMatchObject({ activeSessions: 0 });
        await machine.stop({ deadlineMs: 10_000 });
        expect(await machine.exited).toMatchObject({ code: 0, signal: null });
      } finally {
        await machine.destroy();
        await bench.cleanUp();
      }
    });
  });
}
