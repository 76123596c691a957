import { SallyportError } from '@sallyport/core';

import type { Way } from './dial.ts';
import { isPublicAddress } from './public-address.ts';

/** Goes the whole way to port 443 of a host, says nothing there, and leaves. Throws EGRESS_FAILED where it ends before. */
export async function checkWay(
  way: Way,
  host: string,
  { resolve, signal }: { readonly resolve: (host: string) => Promise<readonly string[]>; readonly signal: AbortSignal },
): Promise<void> {
  const entrance = await way.enter(signal);
  try {
    const addresses = await resolve(host).catch((cause: unknown) => {
      throw unknownAddress(host, 'cannot be found', cause);
    });
    const [address] = addresses;
    if (address === undefined || !addresses.every(isPublicAddress)) throw unknownAddress(host, 'is not public');
    (await entrance.dial(address, 443, signal)).destroy();
  } finally {
    entrance.close();
  }
}

function unknownAddress(host: string, what: string, cause?: unknown): SallyportError {
  const hint = 'Names are looked up on this host: check its name service.';
  return new SallyportError('EGRESS_FAILED', `The address of ${host} ${what}.`, { hint, cause });
}
