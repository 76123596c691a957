import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import type { ApiClient } from './api-client.ts';
import { isRefusal } from './api-error.ts';
import { explainExit } from './exit-codes.ts';
import type { FirecrackerRequest } from './request.ts';
import { killVmm } from './stop.ts';
import type { VmmExit, VmmProcess } from './vmm-process.ts';

/** A process, and the way to speak to it. */
export interface RunningVmm {
  readonly vmm: VmmProcess;
  readonly api: ApiClient;
}

export interface BootParts {
  readonly clock: Clock;
  readonly requests: readonly FirecrackerRequest[];
  /** Starts a process in a new jail, and takes both away again if it fails. */
  startVmm(signal: AbortSignal): Promise<RunningVmm>;
  /** Resolves when the guest's agent answers: that the processors run says nothing. */
  ready(running: RunningVmm, signal: AbortSignal): Promise<void>;
}

/** Boots a machine from its disk. Where it fails nothing of it runs. */
export async function bootVmm(parts: BootParts, signal: AbortSignal): Promise<RunningVmm> {
  signal.throwIfAborted();
  const running = await parts.startVmm(signal);
  await orKill(running, parts.clock, signal, async (alive) => {
    for (const request of parts.requests) {
      await running.api.send(request, alive);
    }
    await parts.ready(running, alive);
  });
  return running;
}

/** Does something with a new process. Ends it where that fails, and says so when the process itself was what failed. */
export async function orKill(
  { vmm, api }: RunningVmm,
  clock: Clock,
  signal: AbortSignal,
  work: (alive: AbortSignal) => Promise<void>,
): Promise<void> {
  const died = new AbortController();
  const over = new AbortController();
  async function watch(): Promise<void> {
    const exit = await vmm.exited;
    if (!over.signal.aborted) {
      await clock.sleep(LAST_ANSWER_MS, over.signal).catch(() => {});
      died.abort(toExitError(exit));
    }
  }
  void watch();
  try {
    await work(AbortSignal.any([signal, died.signal]));
  } catch (error) {
    over.abort();
    api.close();
    const exit = await killVmm(vmm, clock);
    signal.throwIfAborted();
    const endedItself = exit.code !== null || (exit.signal !== null && exit.signal !== 'SIGKILL');
    throw endedItself && !isRefusal(error) ? toExitError(exit) : error;
  } finally {
    over.abort();
  }
}

/** A process that cannot load a snapshot says why and ends itself: its answer is on the way then, and tells more. */
const LAST_ANSWER_MS = 100;

function toExitError(exit: VmmExit): SallyportError {
  const { sentence, security } = explainExit(exit);
  return new SallyportError('MACHINE_FAILED', sentence, { details: { ...exit, ...(security && { security }) } });
}
