import type { Estimate, Host } from './estimate.ts';
import type { MachineCost } from './machine-cost.ts';

export interface Column {
  readonly title: string;
  readonly host: Host;
  readonly estimate: Estimate;
}

/** What was measured, and for each host how many users that makes, as lines for a terminal. */
export function estimateTable(cost: MachineCost, columns: readonly Column[]): readonly string[] {
  const limits = columns[0]?.estimate.limits ?? [];
  const { kind } = cost.resting;
  const rows = [
    ['', ...columns.map(({ title }) => title)],
    ['', ...columns.map(({ host }) => `${host.processors} processors`)],
    ['', ...columns.map(({ host }) => `${gigabytes(host.memoryMb)} of memory`)],
    ['', ...columns.map(({ host }) => `${gigabytes(host.diskMb)} of disk free`)],
    ['Machines that run, by'],
    ...limits.map(({ what }, index) => [
      `  ${what}`,
      ...columns.map(({ estimate }) => count(estimate.limits[index]?.machines)),
    ]),
    ['Users whose machine runs', ...columns.map(({ estimate }) => count(estimate.running))],
    ['  limited by', ...columns.map(({ estimate }) => limitsOf(estimate))],
    [`Users besides, ${kind}`, ...columns.map(({ estimate }) => count(estimate.resting))],
    ['  limited by', ...columns.map(() => 'disk')],
    ['Users in all, once every disk is full', ...columns.map(({ estimate }) => count(estimate.inAllWhenFull))],
  ];
  const widths = Array.from({ length: columns.length + 1 }, (_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}

/** What was measured, by whom and where, in sentences. */
export function costLines(cost: MachineCost): readonly string[] {
  const { running, resting, plan } = cost;
  const snapshot = resting.kind === 'hibernated' ? ` and ${megabytes(resting.snapshotMb)} of snapshot` : '';
  return [
    `running and idle: ${megabytes(running.memoryMb)} of memory (PSS), ${(running.processors * 100).toFixed(1)} % of a processor`,
    `${resting.kind}: ${megabytes(resting.diskMb)} of disk${snapshot}, no memory`,
    `planned: ${megabytes(plan.memoryMb)} of memory, ${plan.vcpus} vCPU, a disk of ${megabytes(plan.diskMb)}`,
    `median of ${cost.machines} machines, ${cost.measuredAt.slice(0, 10)}, ${cost.host}; \`${cost.command}\``,
  ];
}

function limitsOf({ limitedBy }: Estimate): string {
  return [...new Set(limitedBy.map(({ resource }) => resource))].join(', ');
}

const count = (machines: number | undefined): string =>
  machines === undefined || machines === Number.POSITIVE_INFINITY ? 'no limit' : String(machines);
const gigabytes = (memoryMb: number): string => `${(memoryMb / 1024).toFixed(memoryMb < 10_240 ? 1 : 0)} GB`;
const megabytes = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} MB`;
