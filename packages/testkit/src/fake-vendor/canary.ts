import { randomBytes } from 'node:crypto';

import { SallyportError } from '@sallyport/core';

/** A mark to be searched for: random, or the one that is wanted where it fits into a token as it is. */
export function chooseCanary(wanted: string | undefined): string {
  if (wanted === undefined) return `canary${randomBytes(9).toString('hex')}`;
  if (/^[A-Za-z0-9_-]{8,64}$/.test(wanted)) return wanted;
  throw new SallyportError('CONFIG_INVALID', 'The canary must be 8 to 64 letters, digits, _ or -.');
}
