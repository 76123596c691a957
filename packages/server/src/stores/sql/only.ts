import { SallyportError } from '@sallyport/core';

/** The row of a function that always returns one. */
export function only<Row>(rows: readonly Row[] | null): Row {
  const row = rows?.[0];
  if (row === undefined) throw new SallyportError('INTERNAL', 'The database did not return the row it has stored.');
  return row;
}
