import type { MachineCost } from './machine-cost.ts';

/** For hosts on which nobody has measured. Each was printed by its command, and none is put down without one. */
export const shippedCosts: readonly MachineCost[] = [
  {
    driver: 'process',
    measuredAt: '2026-11-26T23:03:50.200Z',
    command: 'sallyport capacity measure --machines 3',
    host: '2 × AMD EPYC, 24 GB, busy with other work',
    machines: 3,
    plan: { memoryMb: 384, vcpus: 1, diskMb: 1024 },
    running: { memoryMb: 44.8, processors: 0.0007 },
    resting: { kind: 'stopped', diskMb: 0.06, snapshotMb: 0 },
  },
  {
    driver: 'qemu',
    accelerator: 'tcg',
    measuredAt: '2026-11-26T23:20:06.779Z',
    command: 'sallyport capacity measure --machines 3',
    host: '2 × AMD EPYC, 24 GB, busy with other work; machines of the type pc, with the kernel of Debian',
    machines: 3,
    plan: { memoryMb: 384, vcpus: 1, diskMb: 1024 },
    running: { memoryMb: 238.9, processors: 0.1012 },
    resting: { kind: 'hibernated', diskMb: 0.21, snapshotMb: 125.03 },
  },
];
