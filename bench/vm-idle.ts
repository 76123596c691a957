import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Bench } from './bench.ts';
import { createCliMachines, howManyFit, startMachines } from './support/cli-machines.ts';
import { proportionalMb } from './support/processes.ts';

const MOST = 10;
const SETTLE_MS = 30_000;
const WATCH_MS = 60_000;
/** The kernel counts processor time in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;

/**
 * What idle CLI machines cost: memory and processor time of each QEMU, the guest's included. A sample is one machine;
 * `--pairs` changes nothing. Needs root and the images.
 */
export const vmIdle: Bench = {
  name: 'vm-idle',
  isLong: true,
  run: async (_world, _pairs, leftovers) => {
    const machines = await createCliMachines();
    leftovers.defer(() => machines.close());
    const count = await howManyFit(MOST);
    if (count === 0) throw new Error('The free memory of this host is too little for one machine.');
    const started = await startMachines(machines, count);
    const pids = await Promise.all(started.map((machine) => machines.vmm(machine)));
    await sleep(SETTLE_MS);
    const before = await Promise.all(pids.map(processorMs));
    const began = performance.now();
    await sleep(WATCH_MS);
    const after = await Promise.all(pids.map(processorMs));
    const minutes = (performance.now() - began) / 60_000;
    const memory = await Promise.all(pids.map(proportionalMb));
    const used = after.map((ms, at) => (ms - (before[at] ?? Number.NaN)) / minutes);
    return [
      { title: `one of ${count} idle CLI machines (PSS)`, kind: 'value', unit: 'MB', samples: memory },
      { title: 'the same, processor time in a minute', kind: 'value', unit: 'ms', samples: used },
    ];
  },
};

/** Of all threads of a process, since it began. */
async function processorMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
