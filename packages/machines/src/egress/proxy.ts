import { SallyportError } from '@sallyport/core';
import type { Egress, Secret } from '@sallyport/core';

import { createGateway } from './gateway.ts';
import type { GatewayOptions } from './gateway.ts';
import { dialThrough } from './upstream-proxy.ts';
import type { UpstreamProxy } from './upstream-proxy.ts';

export interface ProxyEgressOptions extends GatewayOptions {
  readonly proxy: UpstreamProxy;
}

/** Out through one upstream proxy, HTTP or SOCKS5. Everybody has that proxy's address. */
export function createProxyEgress({ proxy, ...options }: ProxyEgressOptions): Egress {
  const dial = dialThrough(proxy);
  return createGateway(options, { name: `proxy ${proxy.host}:${proxy.port}`, dialFor: () => dial });
}

export interface PortPerUserEgressOptions extends GatewayOptions {
  readonly host: string;
  readonly protocol?: UpstreamProxy['protocol'];
  readonly username: string;
  readonly password: Secret;
}

/**
 * Out through a service that has one port for each outgoing address, as Decodo's dedicated proxies do: each person
 * has the port they were given when they were first seen (`users.decodo_proxy_port`, from 10001), so their address is
 * the same when they log in and when they work.
 */
export function createPortPerUserEgress(options: PortPerUserEgressOptions): Egress {
  const { host, protocol = 'http', username, password, ...gateway } = options;
  return createGateway(gateway, {
    name: `port per user at ${host}`,
    dialFor: ({ proxyPort }) => {
      if (proxyPort === undefined) {
        throw new SallyportError('EGRESS_FAILED', 'This person has no port at the proxy service.', {
          hint: 'The user has no row with a decodo_proxy_port: look into the users table.',
        });
      }
      return dialThrough({ protocol, host, port: proxyPort, username, password });
    },
  });
}
