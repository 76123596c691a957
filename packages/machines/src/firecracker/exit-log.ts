import type { VmmExit } from './vmm-process.ts';

/** The exit codes of Firecracker for signals it handles. */
const codes: Readonly<Record<number, number>> = { 7: 149, 11: 150, 25: 151, 24: 154, 13: 155, 1: 156, 4: 157 };

/** How a Firecracker process ended that was nobody's child here: the system tells its parent alone, its log tells all. */
export function parseLoggedExit(log: string): VmmExit {
  if (log.includes('Shutting down VM after intercepting a bad syscall')) {
    return { code: 148, signal: null };
  }
  const [, number] = /Shutting down VM after intercepting signal (\d+)/.exec(log) ?? [];
  return { code: codes[Number(number)] ?? null, signal: null };
}
