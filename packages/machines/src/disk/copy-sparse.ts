import { SallyportError } from '@sallyport/core';

import { runBounded } from './run-bounded.ts';
import { sandboxed } from './sandbox.ts';
import { requireEnd } from './tool-end.ts';

/** Copies a file of which most is holes. Node would copy them as zeros. */
export async function copySparse(descriptor: number, target: string): Promise<void> {
  const { exitCode, signal, stderr, cutOff } = await runBounded({
    command: ['cp', '--sparse=always', '--reflink=auto', '--', sandboxed(0), target],
    files: [descriptor],
    timeoutMs: COPY_TIMEOUT_MS,
    maxOutput: 10_000,
  });
  const problem = cutOff === 'time' ? `it took more than ${COPY_TIMEOUT_MS / 1000} s` : stderr.trim();
  if (cutOff !== undefined || requireEnd('cp', { exitCode, signal }) !== 0)
    throw new SallyportError('MACHINE_FAILED', `The machine's disk cannot be copied: ${problem}`);
}

const COPY_TIMEOUT_MS = 120_000;
