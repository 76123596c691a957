import { constants } from 'node:os';

import { describe, expect, it } from 'vitest';

import { runBounded } from './run-bounded.ts';
import { requireEnd } from './tool-end.ts';

/** How a program ends that sends itself the signal: as it is, and as bubblewrap tells of the one that it ran. */
const ends = ['as it is', 'through bubblewrap'] as const;

async function endBy(name: NodeJS.Signals, how: (typeof ends)[number]) {
  const script = how === 'as it is' ? `kill -s ${name.slice(3)} $$` : `exit ${128 + constants.signals[name]}`;
  return runBounded({ command: ['sh', '-c', script], timeoutMs: 10_000, maxOutput: 1_000 });
}

describe('a program that has worked on a disk', () => {
  it('came to its end by itself, whatever it says', () => {
    for (const exitCode of [0, 1, 4, 8]) expect(requireEnd('e2fsck', { exitCode, signal: null })).toBe(exitCode);
    expect(requireEnd('debugfs', { exitCode: 32, signal: null })).toBe(32);
  });

  for (const how of ends) {
    it.each(['SIGKILL', 'SIGTERM', 'SIGHUP'] as const)(`was ended by another process with %s, ${how}`, async (name) => {
      const end = await endBy(name, how);
      const message = `debugfs, which worked on a machine's disk, was ended by ${name}; the disk is as it was.`;
      const interrupted = { code: 'MACHINE_DISK_INTERRUPTED', retryable: true, message };
      expect(() => requireEnd('debugfs', end)).toThrow(expect.objectContaining(interrupted));
    });

    it.each(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGXCPU', 'SIGXFSZ'] as const)(
      `was brought to %s by the disk, ${how}`,
      async (name) => {
        const end = await endBy(name, how);
        const message = `The machine's disk made debugfs end with ${name}; nothing was read or written.`;
        const unsafe = { code: 'MACHINE_DISK_UNSAFE', retryable: false, message };
        expect(() => requireEnd('debugfs', end)).toThrow(expect.objectContaining(unsafe));
      },
    );
  }

  it('was told to stop, which e2fsck says by its exit code', () => {
    const interrupted = expect.objectContaining({ code: 'MACHINE_DISK_INTERRUPTED' });
    expect(() => requireEnd('e2fsck', { exitCode: 32, signal: null })).toThrow(interrupted);
  });
});
