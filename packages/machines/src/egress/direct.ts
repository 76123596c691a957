import type { Egress } from '@sallyport/core/egress';

import { dialTcp, straight } from './dial.ts';
import type { Dial } from './dial.ts';
import { createGateway } from './gateway.ts';
import type { GatewayOptions } from './gateway.ts';

export interface DirectEgressOptions extends GatewayOptions {
  /** Opens a connection to an address that was checked. Default: TCP. */
  readonly dial?: Dial;
}

/** Straight out through this host's own connection. Everybody has the same address. */
export function createDirectEgress({ dial = dialTcp, ...options }: DirectEgressOptions): Egress {
  return createGateway(options, { name: 'direct', wayFor: () => straight(dial) });
}
