import { SallyportError } from '@sallyport/core';
import { FIRST_PROXY_PORT } from '@sallyport/core/egress';
import type { Secret } from '@sallyport/core';
import type { Egress } from '@sallyport/core/egress';

import { checkWay } from './check-way.ts';
import type { Way } from './dial.ts';
import { createGateway } from './gateway.ts';
import type { GatewayOptions } from './gateway.ts';
import { resolveByHost } from './resolve-by-host.ts';
import { wayThrough } from './upstream-proxy.ts';
import type { UpstreamProxy } from './upstream-proxy.ts';

export interface ProxyEgressOptions extends GatewayOptions {
  readonly proxy: UpstreamProxy;
}

/** Out through one upstream proxy, HTTP or SOCKS5. Everybody has that proxy's address. */
export function createProxyEgress({ proxy, ...options }: ProxyEgressOptions): Egress {
  const way = wayThrough(proxy);
  const gateway = createGateway(options, { name: `proxy ${proxy.host}:${proxy.port}`, wayFor: () => way });
  return { ...gateway, check: checkOf(way, options) };
}

export interface PortPerUserEgressOptions extends GatewayOptions {
  readonly host: string;
  readonly protocol?: UpstreamProxy['protocol'];
  readonly username: string;
  readonly password: Secret;
  readonly certificateAuthority?: string;
  /** The port that is asked whether the service lets users out. Default: that of the first user seen. */
  readonly checkPort?: number;
}

/**
 * Out through a service that has one port for each outgoing address, as Decodo's dedicated proxies do: each user
 * has the port that they were given for their first machine (`sallyport.users.decodo_proxy_port`, from 10001), so their address
 * is the same when they log in and when they work.
 */
export function createPortPerUserEgress(options: PortPerUserEgressOptions): Egress {
  const { protocol = 'http', checkPort = FIRST_PROXY_PORT, ...service } = options;
  const wayAt = (port: number): Way => wayThrough({ ...service, protocol, port });
  const egress = createGateway(service, {
    name: `port per user at ${service.host}`,
    needsProxyPort: true,
    wayFor: ({ proxyPort }) => {
      if (proxyPort === undefined) {
        throw new SallyportError('EGRESS_FAILED', 'This user has no port at the proxy service.', {
          hint: 'The user has no row in the users table, or a plugin took the port out of the plan.',
        });
      }
      return wayAt(proxyPort);
    },
  });
  return { ...egress, check: checkOf(wayAt(checkPort), service) };
}

function checkOf(way: Way, { resolve = resolveByHost }: GatewayOptions): NonNullable<Egress['check']> {
  return (host, { signal }) => checkWay(way, host, { resolve, signal });
}
