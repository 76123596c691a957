import { SallyportError } from '@sallyport/core';

import { cleanText } from '../fault-text.ts';

const SHOWN = 300;

/** Says how far a start came, why it went no further, and what the guest said last. */
export function toStartError(id: string, step: string, cause: unknown, console: string): SallyportError {
  const known = SallyportError.isInstance(cause) ? cause : undefined;
  const why = cause instanceof Error ? cause.message : String(cause);
  const words = cleanText(console.trim().slice(-SHOWN));
  return new SallyportError(
    known?.code ?? 'MACHINE_FAILED',
    `Machine ${id} did not start; it came as far as ${step}. ${why}${words === '' ? '' : ` Its last words: ${words}`}`,
    { ...(known && { hint: known.hint }), details: { ...known?.details, step, console: console.slice(-4000) }, cause },
  );
}
