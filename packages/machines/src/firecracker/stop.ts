import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import type { ApiClient } from './api-client.ts';
import { put } from './request.ts';
import type { VmmExit, VmmProcess } from './vmm-process.ts';

export interface StopParts {
  readonly vmm: VmmProcess;
  readonly api: ApiClient;
  readonly clock: Clock;
  /** Asks the agent to reboot the guest: x86 machines have no other way to switch off. */
  reboot(signal: AbortSignal): Promise<void>;
}

/** What is tried, each for so long, before the next and firmer. */
const STEPS = { rebootMs: 3000, ctrlAltDelMs: 3000, terminateMs: 1000, killMs: 10_000 } as const;

/** Ends a machine: politely as long as the deadline allows, then not. Afterwards it does not run. */
export async function stopVmm(parts: StopParts, deadlineMs: number): Promise<VmmExit> {
  const { vmm, api, clock } = parts;
  const until = clock.monotonic() + deadlineMs;
  const steps: readonly (readonly [ms: number, act: (signal: AbortSignal) => Promise<unknown>])[] = [
    [STEPS.rebootMs, (signal) => parts.reboot(signal)],
    [STEPS.ctrlAltDelMs, (signal) => api.send(put('/actions', { action_type: 'SendCtrlAltDel' }), signal)],
    [STEPS.terminateMs, () => vmm.kill('SIGTERM')],
  ];
  for (const [ms, act] of steps) {
    const left = Math.min(ms, until - clock.monotonic());
    const exit = left > 0 ? await tryToEnd(vmm, clock, left, act) : undefined;
    if (exit) {
      return exit;
    }
  }
  return killVmm(vmm, clock);
}

/** Ends a machine at once. */
export async function killVmm(vmm: VmmProcess, clock: Clock): Promise<VmmExit> {
  const exit = await tryToEnd(vmm, clock, STEPS.killMs, () => vmm.kill('SIGKILL'));
  if (!exit) {
    throw new SallyportError('MACHINE_FAILED', 'A Firecracker process did not end when killed.', {
      hint: 'It hangs in the kernel, for instance on a dead network file system. Look at it with ps.',
    });
  }
  return exit;
}

/** `undefined` where it still runs after that time, whatever became of the attempt. */
async function tryToEnd(
  vmm: VmmProcess,
  clock: Clock,
  ms: number,
  act: (signal: AbortSignal) => Promise<unknown>,
): Promise<VmmExit | undefined> {
  const over = new AbortController();
  const timer = clock.sleep(ms, over.signal).then(
    () => undefined,
    () => undefined,
  );
  // An agent that hangs and an API that is gone are what the next step is for.
  void act(over.signal).catch(() => {});
  const exit = await Promise.race([vmm.exited, timer]);
  over.abort();
  return exit;
}
