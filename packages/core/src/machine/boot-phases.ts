import { SallyportError } from '../base/errors.ts';
import { orAborted } from '../base/serial-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BootTimeouts } from '../runtime/settings.ts';
import type { Machine, MachineExit } from '../contracts/driver.ts';
import type { MachineRole } from '../contracts/plan.ts';

export type BootPhase = 'create' | 'prepare' | 'boot' | 'wake' | 'ready' | 'desktop';

/** What a machine should have done, and how long it may take. */
const phases = {
  create: { limit: 'createMs', undone: 'was not made' },
  prepare: { limit: 'prepareMs', undone: 'did not get its logins' },
  boot: { limit: 'bootMs', undone: 'did not boot' },
  wake: { limit: 'bootMs', undone: 'did not wake' },
  ready: { limit: 'readyMs', undone: 'did not answer' },
  desktop: { limit: 'desktopMs', undone: 'had no screen' },
} as const satisfies Record<BootPhase, { readonly limit: keyof BootTimeouts; readonly undone: string }>;

/** How long work that is called off may take to clear up behind itself. */
const GRACE_MS = 5_000;
const LAST_LINES = 20;

/**
 * Does one phase of bringing a machine up within its deadline. The deadline holds also where a driver does not look at its
 * signal; what it makes after that is found by the next reconciling.
 */
export async function inPhase<T>(
  runtime: Runtime,
  { phase, role, signal }: { readonly phase: BootPhase; readonly role: MachineRole; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { limit, undone } = phases[phase];
  const ms = runtime.settings.bootTimeouts[limit];
  const late = (): SallyportError =>
    new SallyportError('MACHINE_TIMED_OUT', `The ${role} machine ${undone} in ${ms / 1000} s.`, { details: { phase } });
  signal.throwIfAborted();
  using deadline = runtime.clock.deadline(ms, late, signal);
  const running = work(deadline.signal);
  try {
    return await orAborted(deadline.signal, running);
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
    const patience = new AbortController();
    const over = running.then(
      () => undefined,
      () => undefined,
    );
    await Promise.race([over, runtime.clock.sleep(GRACE_MS, patience.signal).catch(() => undefined)]);
    patience.abort();
    throw deadline.signal.reason;
  }
}

/** The same error with what the machine said last, where it was late. The machine has been ended. */
export async function withLastWords(runtime: Runtime, machine: Machine, error: unknown): Promise<unknown> {
  if (!SallyportError.isInstance(error) || error.code !== 'MACHINE_TIMED_OUT') return error;
  const patience = new AbortController();
  const exit = await Promise.race<MachineExit | void>([
    machine.exited,
    runtime.clock.sleep(GRACE_MS, patience.signal).catch(() => undefined),
  ]);
  patience.abort();
  const lines = (exit?.console ?? '').trimEnd().split('\n').slice(-LAST_LINES);
  const last = lines.findLast((line) => line.trim() !== '');
  const words = last === undefined ? 'Its console shows nothing.' : `The last line of its console: ${last.trim()}`;
  return new SallyportError(error.code, `${error.message} ${words}`, {
    details: { ...error.details, console: lines.join('\n') },
    cause: error.cause,
  });
}
