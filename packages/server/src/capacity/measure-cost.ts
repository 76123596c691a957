import { availableParallelism, cpus, totalmem } from 'node:os';

import { SallyportError } from '@sallyport/core';
import { newMachineId } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';
import type { ConnectAgent } from '@sallyport/core/protocol';

import { provisionMachine } from '../bare-machines/boot-machine.ts';
import type { BareDriver } from '../bare-machines/with-driver.ts';
import type { MachineCost } from './machine-cost.ts';
import { diskMbOf } from './machine-disk.ts';
import { findProcesses, measureProcesses } from './machine-processes.ts';
import type { ProcessUse } from './machine-processes.ts';

export interface CostMeasurement extends BareDriver {
  readonly connectAgent: ConnectAgent;
  /** How many machines are looked at. */
  readonly machines: number;
  /** How long they are left alone first: a machine still works after its agent has answered for the first time. */
  readonly settleMs: number;
  /** How long their processors are watched. */
  readonly watchMs: number;
  /** What the figures are recorded as printed by. */
  readonly command: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** The machine of a user with one provider, as the server plans it. */
const SIZE = { memoryMb: 384, vcpus: 1, diskMb: 1024 } as const;
const HIBERNATE_MS = 120_000;
const STOP_MS = 30_000;

interface Subject {
  readonly machine: Machine;
  readonly route: EgressRoute;
}

/** Starts a few machines, looks at them while they do nothing and at what is left of them at rest, and removes them. */
export async function measureCost(measurement: CostMeasurement): Promise<MachineCost> {
  const { dataDirectory, driver, print } = measurement;
  const subjects: Subject[] = [];
  try {
    while (subjects.length < measurement.machines) {
      subjects.push(await startOne(measurement));
      print(`machine ${subjects.length} of ${measurement.machines} runs`);
    }
    const ids = subjects.map(({ machine }) => machine.id);
    const watched = await watch(measurement, ids);
    const kind = driver.features.hibernate ? 'hibernated' : 'stopped';
    for (const subject of subjects) await rest(measurement, subject.machine);
    const withSnapshot = await Promise.all(ids.map((id) => diskMbOf(dataDirectory, id)));
    // One that is stopped gives its snapshot up.
    for (const { machine } of subjects) await machine.stop({ deadlineMs: STOP_MS });
    const alone = await Promise.all(ids.map((id) => diskMbOf(dataDirectory, id)));
    const accelerator = watched.find((use) => use.accelerator !== undefined)?.accelerator;
    return {
      driver: driver.name,
      ...(accelerator !== undefined && { accelerator }),
      measuredAt: new Date(measurement.clock.now()).toISOString(),
      command: measurement.command,
      host: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB`,
      machines: subjects.length,
      plan: SIZE,
      running: {
        memoryMb: round(median(watched.map(({ memoryMb }) => memoryMb)), 1),
        processors: round(median(watched.map(({ processors }) => processors)), 4),
      },
      resting: {
        kind,
        diskMb: round(median(alone), 2),
        snapshotMb: round(median(withSnapshot.map((disk, at) => Math.max(0, disk - (alone[at] ?? 0)))), 2),
      },
    };
  } finally {
    for (const { machine, route } of subjects) {
      await machine.destroy();
      await route.close();
    }
  }
}

async function startOne(measurement: CostMeasurement): Promise<Subject> {
  const { driver, agent, connectAgent, clock, signal } = measurement;
  const machineId = newMachineId();
  const egress = await measurement.openEgress(machineId);
  try {
    // Nobody's: no row knows the machine, so a server that finds it after a crash of this command removes it.
    const labels = { 'sallyport.role': 'cli', 'sallyport.purpose': 'capacity-measure' };
    const plan = { machineId, userId: 'capacity-measure', role: 'cli', ...SIZE, labels, agent, clis: [] } as const;
    const machine = await driver.create(plan, { signal });
    try {
      await provisionMachine({ machine, how: 'start', epoch: 1, egress, connectAgent, clock, signal });
      return { machine, route: egress };
    } catch (error) {
      await machine.destroy();
      throw error;
    }
  } catch (error) {
    await egress.close();
    throw error;
  }
}

/** The use of each machine while it is left alone. */
async function watch(
  { clock, signal, settleMs, watchMs, driver, print }: CostMeasurement,
  ids: readonly string[],
): Promise<readonly (ProcessUse & { readonly processors: number })[]> {
  await clock.sleep(settleMs, signal);
  const found = await findProcesses(ids);
  const look = (): Promise<readonly ProcessUse[]> =>
    Promise.all(ids.map((id) => measureProcesses(found.get(id) ?? [])));
  const before = await look();
  if (before.some(({ processes }) => processes === 0)) {
    throw new SallyportError(
      'CONFIG_HOST_UNSUITABLE',
      `No process of this host names its machine of the driver "${driver.name}".`,
      { hint: 'What its machines cost cannot be measured from outside. Measure with what the driver itself offers.' },
    );
  }
  print(`watching them do nothing for ${watchMs / 1000} s`);
  const began = clock.monotonic();
  await clock.sleep(watchMs, signal);
  const after = await look();
  const seconds = (clock.monotonic() - began) / 1000;
  return after.map((use, at) => ({
    ...use,
    processors: Math.max(0, use.processorSeconds - (before[at]?.processorSeconds ?? 0)) / seconds,
  }));
}

async function rest({ driver, clock, signal }: CostMeasurement, machine: Machine): Promise<void> {
  if (!driver.features.hibernate) return machine.stop({ deadlineMs: STOP_MS });
  const late = (): SallyportError =>
    new SallyportError('MACHINE_TIMED_OUT', `The machine did not hibernate in ${HIBERNATE_MS / 1000} s.`);
  using deadline = clock.deadline(HIBERNATE_MS, late, signal);
  await machine.hibernate?.({ signal: deadline.signal });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
