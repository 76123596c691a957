import { isIP } from 'node:net';

import { SallyportError, Secret } from '@sallyport/core';

import type { Destination, Route } from '../egress/destination.ts';
import { dialTcp, straight } from '../egress/dial.ts';
import type { Way } from '../egress/dial.ts';
import { resolveByHost } from '../egress/resolve-by-host.ts';
import { wayThrough } from '../egress/upstream-proxy.ts';
import type { UpstreamProxy } from '../egress/upstream-proxy.ts';
import type { NpmSettings } from './npm-settings.ts';

/** `host:port` of a URL, with the port of its scheme if it names none. */
export function authorityOf(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
}

/** Reads `host:port`, in which an IPv6 address is in brackets. */
export function parseDestination(authority: string): Destination | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]{1,253})):(\d{1,5})$/i.exec(authority);
  const host = (match?.[1] ?? match?.[2])?.toLowerCase();
  return host === undefined ? undefined : { host, port: Number(match?.[3]) };
}

/**
 * Routes to the configured registries, at exactly their host and port. The operator named them, so they may be on loopback
 * or at private addresses. Where npm would use the operator's proxy, so does the route.
 */
export function routesToRegistries(settings: NpmSettings): (destination: Destination) => Route | undefined {
  const routes = new Map<string, Route>();
  for (const url of settings.registries) {
    const destination = parseDestination(authorityOf(url));
    if (destination) routes.set(keyOf(destination), routeTo(url, settings));
  }
  return (destination) => routes.get(keyOf(destination));
}

const keyOf = ({ host, port }: Destination): string => `${host} ${port}`;

function routeTo(url: URL, settings: NpmSettings): Route {
  const proxy = settings.proxyFor(url);
  const acceptsAddress = (): boolean => true;
  if (proxy === undefined) {
    const resolve = async (host: string) => (isIP(host) === 0 ? resolveByHost(host) : [host]);
    return { way: straight(dialTcp), resolve, acceptsAddress };
  }
  // The proxy looks the name up, as it does for npm: this host may be unable to.
  return { way: throughNpmProxy(proxy, settings), resolve: async (host) => [host], acceptsAddress };
}

/** A way through the operator's proxy whose errors name npm's settings, where the proxy comes from. */
function throughNpmProxy(url: URL, { certificateAuthority }: NpmSettings): Way {
  const protocol = PROTOCOLS[url.protocol];
  if (protocol === undefined) return { enter: async () => Promise.reject(unknownProtocol(url)) };
  const way = wayThrough({
    protocol,
    host: url.hostname.replaceAll(/[[\]]/g, ''),
    port: Number(url.port) || DEFAULT_PORTS[protocol],
    ...(url.username !== '' && {
      username: decodeURIComponent(url.username),
      password: new Secret(decodeURIComponent(url.password)),
    }),
    ...(certificateAuthority !== undefined && { certificateAuthority }),
  });
  return {
    enter: async (signal) => {
      const entrance = await way.enter(signal).catch(renameSetting);
      return { ...entrance, dial: (...target) => entrance.dial(...target).catch(renameSetting) };
    },
  };
}

const PROTOCOLS: Readonly<Record<string, UpstreamProxy['protocol']>> = {
  'http:': 'http',
  'https:': 'https',
  'socks:': 'socks5',
  'socks5:': 'socks5',
  'socks5h:': 'socks5',
};

const DEFAULT_PORTS = { http: 80, https: 443, socks5: 1080 } as const;

const HINT = 'Check `proxy` and `https-proxy` in .npmrc, and HTTPS_PROXY and HTTP_PROXY.';

function renameSetting(error: unknown): never {
  if (!SallyportError.isInstance(error)) throw error;
  throw new SallyportError(error.code, error.message, { hint: HINT, cause: error });
}

function unknownProtocol(url: URL): SallyportError {
  return new SallyportError('EGRESS_FAILED', `npm cannot use a proxy with ${url.protocol} in a sandbox.`, {
    hint: HINT,
  });
}
