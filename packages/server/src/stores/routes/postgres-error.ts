import { DatabaseError } from 'pg';

import { SallyportError } from '@sallyport/core';

import { databaseUnreachable, fromSqlState } from './sql-state.ts';

/** What a failed query means to the caller. Never repeats the database's message: it can quote a row. */
export function toStoreError(error: unknown): SallyportError {
  if (SallyportError.isInstance(error)) return error;
  if (error instanceof DatabaseError) return fromSqlState(error.code ?? '', error);
  // Our own errors pass. Every other one comes from a socket or from the pool.
  if (error instanceof TypeError || error instanceof RangeError) {
    return new SallyportError('INTERNAL', 'A statement could not be built.', { cause: error });
  }
  return databaseUnreachable(error);
}
