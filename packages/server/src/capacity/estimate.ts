import type { MachineCost } from './machine-cost.ts';

/** A host to put machines on. */
export interface Host {
  readonly processors: number;
  readonly memoryMb: number;
  /** What is free for machines to write to. */
  readonly diskMb: number;
  /** What its server lets machines reserve. */
  readonly capacity: { readonly memoryMb: number; readonly vcpus: number };
}

/** What runs out first. */
export interface Limit {
  readonly resource: 'memory' | 'processor' | 'disk';
  readonly what: string;
  /** Infinity where it limits nothing. */
  readonly machines: number;
}

export interface Estimate {
  /** Each limit of how many machines run at a time. */
  readonly limits: readonly Limit[];
  readonly running: number;
  readonly limitedBy: readonly Limit[];
  /** Besides those that run, with nothing but what a machine has on its disk when it is new. */
  readonly resting: number;
  /** How many the disk holds in all, running or not, once every machine has written its own full. */
  readonly inAllWhenFull: number;
}

/** Machines that do nothing may take this much of the processors; the rest is for those that do something. */
const IDLE_PART = 1 / 2;
/** Filled further, file systems get slow, and the database has no room to go on. */
const DISK_PART = 7 / 8;

/** How many users' machines a host holds: running, and at rest besides. */
export function estimate(host: Host, cost: MachineCost): Estimate {
  const { plan, running, resting } = cost;
  const { capacity } = host;
  const disk = host.diskMb * DISK_PART;
  // Each that runs will want to rest: its snapshot has to have a place.
  const onDisk = fit(disk, resting.diskMb + resting.snapshotMb);
  const limits: readonly Limit[] = [
    { resource: 'memory', what: 'memory reserved', machines: fit(capacity.memoryMb, plan.memoryMb) },
    { resource: 'memory', what: 'memory measured, idle', machines: fit(capacity.memoryMb, running.memoryMb) },
    { resource: 'processor', what: 'vCPUs reserved', machines: fit(capacity.vcpus, plan.vcpus) },
    {
      resource: 'processor',
      what: 'processor measured, idle',
      machines: fit(host.processors * IDLE_PART, running.processors),
    },
    { resource: 'disk', what: 'disk', machines: onDisk },
  ];
  const most = Math.min(...limits.map(({ machines }) => machines));
  return {
    limits,
    running: most,
    limitedBy: limits.filter(({ machines }) => machines === most),
    resting: onDisk - most,
    inAllWhenFull: fit(disk, Math.max(plan.diskMb, resting.diskMb) + resting.snapshotMb),
  };
}

function fit(room: number, each: number): number {
  return each === 0 ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(room / each + 1e-9));
}
