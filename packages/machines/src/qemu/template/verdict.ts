import { SallyportError } from '@sallyport/core';

/**
 * Whether a failed start says that its template is of no use: its files, QEMU or the guest would not have it. A deadline
 * says so little as a host that could not start QEMU, or killed it.
 */
export function condemnsTemplate(error: unknown): boolean {
  if (!SallyportError.isInstance(error) || error.code !== 'MACHINE_FAILED') return false;
  const { cause, details } = error;
  const { signal } = SallyportError.isInstance(cause) ? cause.details : {};
  return ['copy', 'wake', 'ready'].includes(String(details['phase'])) && signal !== 'SIGKILL' && signal !== 'SIGTERM';
}
