import { execFile } from 'node:child_process';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { Machine, MachinePlan } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';
import { createProcessDriver } from '@sallyport/machines';

import { createWorkbench } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import type { Workbench } from '../../packages/machines/src/process/__fixtures__/machines.ts';

export interface MachineOptions {
  readonly isolation: 'bubblewrap' | 'none';
  /** Default: one that answers every connection with a greeting. */
  readonly egress?: EgressRoute;
  readonly plan?: Partial<MachinePlan>;
}

/** Only ends a hang: nothing here is judged by the time it takes. */
export const HANG_LIMIT_MS = 10 * 60_000;

/** Runs work with a machine of the process driver, and removes the machine. */
export async function withMachine<Result>(
  { isolation, egress, plan }: MachineOptions,
  work: (machine: Machine, bench: Workbench) => Promise<Result>,
): Promise<Result> {
  const bench = await createWorkbench();
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  const driver = await createProcessDriver({
    dataDirectory: join(bench.directory, 'data'),
    clock: systemClock,
    isolation,
  });
  const machine = await driver.create(bench.plan(plan), { signal });
  try {
    await machine.start(bench.startOptions({ signal, ...(egress && { egress }) }));
    return await work(machine, bench);
  } finally {
    await machine.destroy();
    await bench.cleanUp();
  }
}

/** Runs the same script as a child of this process: no machine, no defence. */
export function runOutside(script: string): Promise<string> {
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', script], (error, stdout) =>
      resolve(`${error ? (error.code ?? 'killed') : 0} ${stdout}`),
    );
  });
}
