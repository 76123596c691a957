import { SallyportError } from '@sallyport/core';

import type { Way } from './dial.ts';
import { explainAddress } from './explain-address.ts';
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
      throw unknownAddress(host, cause);
    });
    const [address] = addresses;
    if (address === undefined) throw unknownAddress(host);
    const bad = addresses.find((candidate) => !isPublicAddress(candidate));
    if (bad !== undefined) throw new SallyportError('EGRESS_FAILED', explainAddress(host, bad));
    (await entrance.dial(address, 443, signal)).destroy();
  } finally {
    entrance.close();
  }
}

function unknownAddress(host: string, cause?: unknown): SallyportError {
  const hint = 'Names are looked up on this host: check its name service.';
  return new SallyportError('EGRESS_FAILED', `The address of ${host} cannot be found.`, { hint, cause });
}
