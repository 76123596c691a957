import { setTimeout as sleep } from 'node:timers/promises';

import { alternate } from './bench.ts';
import type { Bench } from './bench.ts';
import { createCliMachines, hibernate, startMachines, timed } from './support/cli-machines.ts';

const LIMIT = 0.25;
const STOP_MS = 60_000;
/** What a guest still does after its agent has answered for the first time. */
const SETTLE_MS = 3_000;

/** A hibernated CLI machine woken → its agent answers `/health`. Against a boot of the same machine. Needs root and the images. */
export const vmWake: Bench = {
  name: 'vm-wake',
  isLong: true,
  run: async (_world, count, leftovers) => {
    const machines = await createCliMachines();
    leftovers.defer(() => machines.close());
    const [machine] = await startMachines(machines, 1);
    if (!machine) throw new Error('One machine was started.');
    const measured = await alternate(count, {
      ours: async () => {
        await sleep(SETTLE_MS);
        await hibernate(machine);
        return timed(async () => machine.wake?.(machines.boot()));
      },
      bare: async () => {
        await machine.stop({ deadlineMs: STOP_MS });
        return timed(() => machine.start(machines.boot()));
      },
    });
    const title = 'hibernated CLI machine woken → agent answers';
    const samples = measured.map(({ ours, bare }) => ours / bare);
    return [{ title, kind: 'ratio', unit: 'ms', samples, pairs: measured, limit: LIMIT }];
  },
};
