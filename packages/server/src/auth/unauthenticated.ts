import { SallyportError } from '@sallyport/core';

/** What is wrong with the proof of who is asking, or that there is none. */
export function unauthenticated(message: string): SallyportError {
  return new SallyportError('ACCESS_UNAUTHENTICATED', message);
}

/** The token was valid once, so nobody guesses. `details.expired` tells clients to get another one. */
export function expired(message: string): SallyportError {
  return new SallyportError('ACCESS_UNAUTHENTICATED', message, { details: { expired: true } });
}

/** Whether a credential was sent that never counted, or was revoked: what a guess looks like. */
export function isRefusedCredential(error: unknown): boolean {
  return (
    SallyportError.isInstance(error) && error.code === 'ACCESS_UNAUTHENTICATED' && error.details['expired'] !== true
  );
}
