import { SallyportError } from '@sallyport/core';
import type { MachineExit } from '@sallyport/core/driver';

import type { QemuProcess } from './qemu-process.ts';

/** Does something with a machine that has to run meanwhile. Throws how it ended where it does not. */
export async function whileItRuns<Result>(
  process: QemuProcess,
  signal: AbortSignal,
  work: (alive: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const died = new AbortController();
  const over = new AbortController();
  async function watch(): Promise<void> {
    const exit = await process.exited;
    if (!over.signal.aborted) died.abort(endedByItself(exit));
  }
  void watch();
  try {
    return await work(AbortSignal.any([signal, died.signal]));
  } catch (error) {
    signal.throwIfAborted();
    // What fails because it ended does so a moment before its end is seen.
    throw died.signal.aborted ? died.signal.reason : error;
  } finally {
    over.abort();
  }
}

function endedByItself({ code, signal }: MachineExit): SallyportError {
  return new SallyportError('MACHINE_FAILED', `QEMU ended with ${signal ?? `code ${code}`}.`, { details: { signal } });
}
