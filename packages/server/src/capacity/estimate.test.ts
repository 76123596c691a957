import { describe, expect, it } from 'vitest';

import { estimate } from './estimate.ts';
import type { Host } from './estimate.ts';
import { estimateTable } from './estimate-table.ts';
import type { MachineCost } from './machine-cost.ts';

const GB = 1024;

function host(changes: Partial<Host> = {}): Host {
  const capacity = { memoryMb: 54 * GB, vcpus: 160 };
  return { processors: 20, memoryMb: 62 * GB, diskMb: 80 * GB, capacity, ...changes };
}

function cost(changes: Partial<MachineCost> = {}): MachineCost {
  return {
    driver: 'qemu',
    accelerator: 'tcg',
    measuredAt: '2026-01-02T03:04:05.000Z',
    command: 'sallyport capacity measure',
    host: 'a host',
    machines: 3,
    plan: { memoryMb: 384, vcpus: 1, diskMb: 1024 },
    running: { memoryMb: 200, processors: 0.02 },
    resting: { kind: 'hibernated', diskMb: 20, snapshotMb: 80 },
    ...changes,
  };
}

const limitNames = (...given: Parameters<typeof estimate>) => estimate(...given).limitedBy.map(({ what }) => what);

describe('how many machines a host holds', () => {
  it('is what the server reserves memory for, where that ends first', () => {
    const found = estimate(host(), cost());
    expect(Object.fromEntries(found.limits.map(({ what, machines }) => [what, machines]))).toEqual({
      'memory reserved': 144,
      'memory measured, idle': 276,
      'vCPUs reserved': 160,
      'processor measured, idle': 500,
      // 70 GB for machines of 100 MB each.
      disk: 716,
    });
    expect(found).toMatchObject({ running: 144, resting: 716 - 144 });
    expect(limitNames(host(), cost())).toEqual(['memory reserved']);
  });

  it('is less where machines take more memory than was planned for them', () => {
    expect(estimate(host(), cost({ running: { memoryMb: 540, processors: 0.02 } }))).toMatchObject({ running: 102 });
  });

  it('is less where doing nothing takes half of the processors', () => {
    const idle = cost({ running: { memoryMb: 200, processors: 0.1 } });
    expect(estimate(host(), idle).running).toBe(100);
    expect(limitNames(host(), idle)).toEqual(['processor measured, idle']);
  });

  it('is at most what can hibernate on the disk', () => {
    const small = host({ diskMb: 8 * GB });
    expect(estimate(small, cost())).toMatchObject({ running: 71, resting: 0 });
    expect(limitNames(small, cost())).toEqual(['disk']);
  });

  it('names every limit that ends at the same machine', () => {
    expect(limitNames(host({ capacity: { memoryMb: 10 * 384, vcpus: 10 } }), cost())).toEqual([
      'memory reserved',
      'vCPUs reserved',
    ]);
  });

  it('is none where not even one fits', () => {
    expect(estimate(host({ capacity: { memoryMb: 300, vcpus: 4 } }), cost())).toMatchObject({ running: 0 });
  });

  it('is less once every machine has written its disk full', () => {
    expect(estimate(host(), cost()).inAllWhenFull).toBe(Math.floor((70 * GB) / (1024 + 80)));
  });

  it('has no limit in what was measured as nothing', () => {
    const idle = cost({ running: { memoryMb: 200, processors: 0 } });
    expect(estimate(host(), idle).running).toBe(144);
    expect(estimateTable(idle, [{ title: 'one', host: host(), estimate: estimate(host(), idle) }]).join('\n')).toMatch(
      /processor measured, idle +no limit$/m,
    );
  });
});

it('shows hosts side by side', () => {
  const hosts = [host(), host({ processors: 2, memoryMb: 7.8 * GB, capacity: { memoryMb: 6 * GB, vcpus: 16 } })];
  const columns = hosts.map((each, at) => ({ title: `host ${at}`, host: each, estimate: estimate(each, cost()) }));
  const lines = estimateTable(cost(), columns);
  const cells = (start: string) =>
    lines
      .find((line) => line.startsWith(start))
      ?.slice(start.length)
      .trim()
      .split(/ {3,}/);
  expect(cells('Users whose machine runs')).toEqual(['144', '16']);
  expect(cells('  limited by')).toEqual(['memory', 'memory, processor']);
  expect(cells('Users besides, hibernated')).toEqual(['572', '700']);
  expect(lines[2]).toMatch(/62 GB of memory +7\.8 GB of memory$/);
});
