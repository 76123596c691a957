import { isHostAllowed } from '@sallyport/core/egress';

import type { Destination, Route } from './destination.ts';
import { isPublicAddress } from './public-address.ts';

/** Reads the `host:443` that a machine asks for. IP addresses are never allowed, not even public ones. */
export function parseMachineDestination(authority: string): Destination | undefined {
  const match = /^([A-Za-z0-9.-]{1,253}):443$/.exec(authority);
  const host = match?.[1]?.toLowerCase().replace(/\.$/, '');
  return host === undefined || /^[\d.]+$/.test(host) ? undefined : { host, port: 443 };
}

/** Routes a machine to its allowed hosts, at public addresses only. */
export function routeToHosts(
  hosts: readonly string[],
  route: Pick<Route, 'way' | 'resolve'>,
): (destination: Destination) => Route | undefined {
  return ({ host }) => (isHostAllowed(host, hosts) ? { ...route, acceptsAddress: isPublicAddress } : undefined);
}
