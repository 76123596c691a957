import { DatabaseError } from 'pg';

import { SallyportError } from '@sallyport/core';

/** What a failed query means to the caller. Never repeats the database's message: it can quote a row. */
export function toStoreError(error: unknown): SallyportError {
  if (SallyportError.isInstance(error)) return error;
  if (error instanceof DatabaseError) {
    const state = error.code ?? '';
    if (isAway(state)) return unavailable(error);
    if (state === '40001' || state === '40P01' || state === uniqueViolation) {
      return new SallyportError('STORE_CONFLICT', 'The record was changed in the meantime.', { cause: error });
    }
    return new SallyportError('INTERNAL', `The database refused a statement (SQLSTATE ${state}).`, { cause: error });
  }
  // Our own errors pass. Every other one comes from a socket or from the pool.
  if (error instanceof TypeError || error instanceof RangeError) {
    return new SallyportError('INTERNAL', 'A statement could not be built.', { cause: error });
  }
  return unavailable(error);
}

/** The name of the constraint that a statement broke; `undefined` for every other failure. */
export function brokenConstraint(error: unknown): string | undefined {
  return error instanceof DatabaseError && [uniqueViolation, foreignKeyViolation].includes(error.code ?? '')
    ? error.constraint
    : undefined;
}

const uniqueViolation = '23505';
const foreignKeyViolation = '23503';

/**
 * SQLSTATEs of a server that is going, coming, or full (PostgreSQL documentation, appendix A): connection exceptions,
 * operator intervention, insufficient resources, and a former primary that takes no writes.
 */
function isAway(state: string): boolean {
  return ['08', '57', '53'].includes(state.slice(0, 2)) || state === '25006' || state === '25P03';
}

function unavailable(cause: unknown): SallyportError {
  return new SallyportError('STORE_UNAVAILABLE', 'The database does not answer.', { cause });
}
