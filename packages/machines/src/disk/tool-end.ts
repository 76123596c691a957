import { constants } from 'node:os';

import { SallyportError } from '@sallyport/core';

import type { BoundedOutcome } from './run-bounded.ts';
import { unsafeDisk } from './unsafe-disk.ts';

/**
 * Signals that a program brings upon itself by what it does, the last two where it exceeds a limit. It works on what a
 * guest has written, so the guest may be behind it. Any other was sent by another process, such as the kernel that needs
 * memory, and says nothing about the disk.
 */
const ownFaults: ReadonlySet<string> = new Set(
  'SIGSEGV SIGBUS SIGILL SIGFPE SIGTRAP SIGSYS SIGABRT SIGXCPU SIGXFSZ'.split(' '),
);

/** e2fsck(8): it catches SIGTERM and SIGINT, and ends with this among its bits. */
const CANCELLED = 32;

/** Returns the exit code of a program that was through; throws where a signal has ended it. */
export function requireEnd(program: string, { exitCode, signal }: Pick<BoundedOutcome, 'exitCode' | 'signal'>): number {
  const name = signal ?? signalOf(exitCode ?? 0);
  if (name !== undefined && ownFaults.has(name)) throw unsafeDisk(`made ${program} end with ${name}`);
  if (name !== undefined) throw interrupted(program, `was ended by ${name}`);
  if (exitCode === null) throw interrupted(program, 'came to no end');
  if (program === 'e2fsck' && (exitCode & CANCELLED) !== 0) throw interrupted(program, 'was told to stop');
  return exitCode;
}

/** Bubblewrap says it as a shell does: by a number above 128. */
function signalOf(exitCode: number): string | undefined {
  if (exitCode <= 128) return undefined;
  const known = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128);
  return known?.[0] ?? `signal ${exitCode - 128}`;
}

function interrupted(program: string, what: string): SallyportError {
  const message = `${program}, which worked on a machine's disk, ${what}; the disk is as it was.`;
  return new SallyportError('MACHINE_DISK_INTERRUPTED', message, { details: { program } });
}
