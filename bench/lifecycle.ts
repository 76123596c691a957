import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';

import { makeDataDirectory, removeDataDirectory } from '../e2e/support/server.ts';
import { defaultCapacity } from '../packages/server/src/capacity/defaults.ts';
import { openStore } from '../packages/server/src/stores/open-store.ts';
import type { Bench, Finding } from './bench.ts';
import { quantile } from './statistics.ts';
import { startControlPlane } from './support/control-plane.ts';
import type { ControlPlane, Reached } from './support/control-plane.ts';

const SHARE_LIMIT_MS = 20;
const SLEEPERS = 20;
/** Users before those who count: by then code is compiled and connections to the database are open. */
const WARM_UP = 5;

/**
 * What the server itself takes to bring a machine to a prompt, in HTTP, database, queue and keys: the machines are the
 * fake driver's and take no time. For one user at a time, and for many who come to sleeping machines at once.
 */
export const lifecycle: Bench = {
  name: 'lifecycle',
  run: async (_world, count, leftovers) => {
    const dataDirectory = await makeDataDirectory();
    leftovers.defer(() => removeDataDirectory(dataDirectory));
    const store = await openStore({ kind: 'embedded' }, { dataDirectory, clock: systemClock, log: () => undefined });
    leftovers.defer(() => store.close());
    const { startAtOnce } = defaultCapacity({ memoryMb: totalmem() / 2 ** 20, processors: availableParallelism() });
    const plane = await startControlPlane({ store, folder: join(dataDirectory, 'page'), startAtOnce });
    leftovers.defer(() => plane.close());
    return [...(await oneAtATime(plane, count)), ...(await allAtOnce(plane, count))];
  },
};

async function oneAtATime(plane: ControlPlane, count: number): Promise<readonly Finding[]> {
  const shares = { made: [] as number[], woken: [] as number[] };
  for (let at = -WARM_UP; at < count; at += 1) {
    const name = `one-${at}`;
    await plane.connect(name);
    const made = share(await plane.prompt(name));
    await plane.hibernate(name);
    const woken = share(await plane.prompt(name));
    if (at < 0) continue;
    shares.made.push(made);
    shares.woken.push(woken);
  }
  const limited = { kind: 'value', unit: 'ms', limit: SHARE_LIMIT_MS } as const;
  return [
    { title: 'prompt → new machine ready, without the driver', ...limited, samples: shares.made },
    { title: 'prompt → woken machine ready, without the driver', ...limited, samples: shares.woken },
  ];
}

async function allAtOnce(plane: ControlPlane, count: number): Promise<readonly Finding[]> {
  const names = Array.from({ length: SLEEPERS }, (_, at) => `many-${at}`);
  for (const name of names) {
    await plane.connect(name);
    await plane.prompt(name);
  }
  const rounds: (readonly number[])[] = [];
  for (let round = 0; round < count; round += 1) {
    for (const name of names) await plane.hibernate(name);
    const reached = await Promise.all(names.map((name) => plane.prompt(name)));
    rounds.push(reached.map(({ readyMs }) => readyMs).toSorted((one, other) => one - other));
  }
  const of = (part: number): readonly number[] => rounds.map((sorted) => quantile(sorted, part));
  return [
    { title: `${SLEEPERS} wakes at once, p50`, kind: 'value', unit: 'ms', samples: of(0.5) },
    { title: `${SLEEPERS} wakes at once, p95`, kind: 'value', unit: 'ms', samples: of(0.95) },
  ];
}

const share = ({ readyMs, driverMs }: Reached): number => readyMs - driverMs;
