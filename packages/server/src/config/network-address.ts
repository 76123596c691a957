import { SallyportError } from '@sallyport/core';
import { isLoopback } from '@sallyport/core/driver';

import { isLoopbackOrigin } from '../auth/public-address.ts';
import type { PublicAddress } from '../auth/public-address.ts';
import { createTrustedProxies } from '../auth/trusted-proxies.ts';
import type { TrustedProxies } from '../auth/trusted-proxies.ts';
import type { CheckedConfig } from './config.ts';
import type { ServerEnvironment } from './environment.ts';

/** Where the server listens, and as what it is known. */
export interface NetworkAddress {
  readonly host: string;
  readonly port: number;
  readonly address: PublicAddress;
  readonly trustedProxies: TrustedProxies | undefined;
}

/**
 * Joins configuration and environment, which goes first. Throws `CONFIG_INVALID` for what would let others in unasked: other
 * computers may reach this server only if it asks who they are, and over TLS.
 */
export function networkAddress(
  config: Pick<CheckedConfig, 'host' | 'port' | 'publicUrl' | 'auth' | 'allowedOrigins' | 'trustProxy'>,
  environment: Pick<ServerEnvironment, 'host' | 'port' | 'publicUrl'>,
): NetworkAddress {
  const host = environment.host ?? config.host;
  const origin = environment.publicUrl ?? config.publicUrl;
  const isPublic = origin !== undefined && !isLoopbackOrigin(origin);
  const isReachable = !isLoopback(host);
  if (config.auth === undefined && isReachable) {
    const name = environment.host === undefined ? 'host' : 'HOST';
    throw openToAll(`${name} must be a loopback address such as 127.0.0.1, not ${host}`);
  }
  if (config.auth === undefined && isPublic) throw openToAll(`The server cannot be known as ${origin}`);
  if (isReachable && !isPublic) {
    throw new SallyportError('CONFIG_INVALID', `The server would listen on ${host} without a public address.`, {
      hint: 'Put a proxy with TLS in front of it, and set SALLYPORT_PUBLIC_URL to the https address of that.',
    });
  }
  const { allowedOrigins, trustProxy } = config;
  return {
    host,
    port: environment.port ?? config.port,
    address: { origin, allowedOrigins },
    trustedProxies: trustProxy.length > 0 ? createTrustedProxies(trustProxy) : undefined,
  };
}

function openToAll(what: string): SallyportError {
  return new SallyportError(
    'CONFIG_INVALID',
    `${what}: it asks nobody who they are, so anyone who reached it could use every account.`,
    { hint: 'Set `auth` in the configuration; see docs/identity.md.' },
  );
}
