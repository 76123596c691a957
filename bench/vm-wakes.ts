import type { Bench } from './bench.ts';
import { quantile } from './statistics.ts';
import { createCliMachines, hibernate, howManyFit, startMachines, timed } from './support/cli-machines.ts';

const MANY = 20;
/** Where memory is not enough for more. */
const FEW = 8;

/** Hibernated CLI machines woken at the same moment → the agent of each answers, without a server that lines them up. Needs root and the images. */
export const vmWakes: Bench = {
  name: 'vm-wakes',
  isLong: true,
  run: async (_world, rounds, leftovers) => {
    const room = await howManyFit(MANY);
    if (room < FEW) throw new Error(`The free memory of this host is enough for ${room} machines; ${FEW} are needed.`);
    const count = room < MANY ? FEW : MANY;
    const machines = await createCliMachines();
    leftovers.defer(() => machines.close());
    const started = await startMachines(machines, count);
    const took: (readonly number[])[] = [];
    for (let round = 0; round < rounds; round += 1) {
      // One at a time: each writes all of its memory.
      for (const machine of started) await hibernate(machine);
      const woken = started.map((machine) => timed(async () => machine.wake?.(machines.boot())));
      took.push((await Promise.all(woken)).toSorted((one, other) => one - other));
    }
    const of = (part: number): readonly number[] => took.map((sorted) => quantile(sorted, part));
    return [
      { title: `${count} CLI machines woken at once, p50`, kind: 'value', unit: 'ms', samples: of(0.5) },
      { title: `${count} CLI machines woken at once, p95`, kind: 'value', unit: 'ms', samples: of(0.95) },
    ];
  },
};
