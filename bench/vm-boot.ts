import { alternate } from './bench.ts';
import type { Bench } from './bench.ts';
import { createBareQemu } from './support/bare-qemu.ts';
import { createCliMachines } from './support/cli-machines.ts';

const LIMIT = 1.1;

/**
 * A CLI machine asked for of the QEMU driver → its agent answers `/health` to its token. Against QEMU alone, started by
 * hand with the same command line until the same answer: the disk, the drive of the agent, the address and the user
 * are there already. Needs root and the images.
 */
export const vmBoot: Bench = {
  name: 'vm-boot',
  isLong: true,
  run: async (_world, count, leftovers) => {
    const machines = await createCliMachines();
    leftovers.defer(() => machines.close());
    const bare = await createBareQemu(machines);
    const measured = await alternate(count, {
      ours: async () => {
        const began = performance.now();
        const machine = await machines.create();
        // It returns when the agent has answered.
        await machine.start(machines.boot());
        const took = performance.now() - began;
        await machine.destroy();
        return took;
      },
      bare: () => bare.boot(),
    });
    const title = 'CLI machine asked for → agent answers';
    const samples = measured.map(({ ours, bare: alone }) => ours / alone);
    return [{ title, kind: 'ratio', unit: 'ms', samples, pairs: measured, limit: LIMIT }];
  },
};
