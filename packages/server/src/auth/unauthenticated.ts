import { SallyportError } from '@sallyport/core';

/** What is wrong with the proof of who is asking, or that there is none. */
export function unauthenticated(message: string): SallyportError {
  return new SallyportError('ACCESS_UNAUTHENTICATED', message);
}
