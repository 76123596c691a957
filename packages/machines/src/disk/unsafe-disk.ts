import { SallyportError } from '@sallyport/core';

/** A machine's disk is taken for hostile. Nothing of it was used, and the disk itself is as it was. */
export function unsafeDisk(problem: string, cause?: unknown): SallyportError {
  return new SallyportError('MACHINE_DISK_UNSAFE', `The machine's disk ${problem}; nothing was read or written.`, {
    hint: 'Destroy the machine: the next use builds a new one. Log in again where its newest login is lost with it.',
    cause,
  });
}

/** The same about one file or directory, named as the machine knows it. */
export function unsafePath(path: string, problem: string, cause?: unknown): SallyportError {
  const error = unsafeDisk(`was refused: ${path} ${problem}`, cause);
  return new SallyportError(error.code, error.message, { hint: error.hint, details: { path }, cause });
}
