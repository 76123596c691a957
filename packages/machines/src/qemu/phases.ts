import { SallyportError } from '@sallyport/core';

/** The phases of a machine until it is ready. */
export type Phase = 'create' | 'boot' | 'wake' | 'ready';

const words: Readonly<Record<Phase, string>> = {
  create: 'before it ran',
  boot: 'while it booted',
  wake: 'while it woke',
  ready: 'before its agent answered',
};

const SHOWN = 500;
const KEPT = 4000;

/** Creates an error that names the phase in which a machine failed and includes its last console output. */
export function failedIn(phase: Phase, machineId: string, console: string, cause: unknown): SallyportError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const last = console.trim().slice(-SHOWN);
  const code = SallyportError.isInstance(cause) ? cause.code : 'MACHINE_FAILED';
  return new SallyportError(
    code,
    `Machine ${machineId} failed ${words[phase]}: ${why}${last === '' ? '' : ` Its console ends with: ${last}`}`,
    {
      ...(SallyportError.isInstance(cause) && { hint: cause.hint }),
      details: { phase, console: console.slice(-KEPT) },
      cause,
    },
  );
}
