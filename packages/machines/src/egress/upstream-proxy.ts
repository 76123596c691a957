import { once } from 'node:events';
import { request } from 'node:http';
import { connect, isIP, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectByTls, getCACertificates } from 'node:tls';

import type { Secret } from '@sallyport/core';
import { SocksClient } from 'socks';

import type { Dial, Way } from './dial.ts';
import { describeTrouble, refused, wrongLogin } from './upstream-trouble.ts';

/** A third party's proxy through which connections leave. Its password never enters a machine. */
export interface UpstreamProxy {
  /**
   * `http` and `https`: CONNECT (RFC 9110 §9.3.6) with Basic authentication (RFC 7617), the latter over TLS to the
   * proxy; `socks5`: RFC 1928 and 1929.
   */
  readonly protocol: 'http' | 'https' | 'socks5';
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: Secret;
  /** Trusted beside those that Node trusts, where the proxy speaks TLS. PEM. */
  readonly certificateAuthority?: string;
}

/** Asks the proxy for an address, never for a name: what was resolved and checked here is what is reached. */
export function wayThrough(proxy: UpstreamProxy): Way {
  return {
    enter: async (signal) => {
      const socket = await reach(proxy, signal);
      const dial = proxy.protocol === 'socks5' ? bySocks(proxy, socket) : byConnect(proxy, socket);
      return { dial, close: () => socket.destroy() };
    },
  };
}

async function reach(proxy: UpstreamProxy, signal: AbortSignal): Promise<Socket> {
  const { protocol, host, port } = proxy;
  signal.throwIfAborted();
  const socket = protocol === 'https' ? connectByTls(tlsOptions(proxy)) : connect({ host, port });
  try {
    await once(socket, protocol === 'https' ? 'secureConnect' : 'connect', { signal });
  } catch (cause) {
    socket.destroy();
    throw describeTrouble(proxy, cause);
  }
  // It may break while nobody uses it yet.
  socket.on('error', () => socket.destroy());
  return socket;
}

function tlsOptions({ host, port, certificateAuthority }: UpstreamProxy) {
  return {
    host,
    port,
    // RFC 6066 §3: an address is not a server name.
    ...(isIP(host) === 0 && { servername: host }),
    ...(certificateAuthority !== undefined && { ca: [...getCACertificates('default'), certificateAuthority] }),
  };
}

function byConnect(proxy: UpstreamProxy, entered: Socket): Dial {
  const { username, password } = proxy;
  return (address, targetPort, signal) =>
    new Promise<Duplex>((resolve, reject) => {
      const authority = `${isIPv6(address) ? `[${address}]` : address}:${targetPort}`;
      const headers: Record<string, string> = { host: authority };
      if (username !== undefined) {
        const pair = Buffer.from(`${username}:${password?.reveal() ?? ''}`).toString('base64');
        headers['proxy-authorization'] = `Basic ${pair}`;
      }
      const asked = request({ method: 'CONNECT', path: authority, headers, createConnection: () => entered, signal });
      asked.once('connect', ({ statusCode = 0 }, socket, head) => {
        if (statusCode < 200 || statusCode > 299) {
          socket.destroy();
          reject(statusCode === 407 ? wrongLogin(proxy) : refused(proxy, `answered ${statusCode}`));
          return;
        }
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      asked.once('response', (response) => {
        response.destroy();
        reject(refused(proxy, `answered ${response.statusCode} instead of opening a tunnel`));
      });
      asked.once('error', (cause) => {
        entered.destroy();
        reject(describeTrouble(proxy, cause));
      });
      asked.end();
    });
}

function bySocks(proxy: UpstreamProxy, entered: Socket): Dial {
  const { host, port, username, password } = proxy;
  return async (address, targetPort, signal) => {
    const login = username === undefined ? {} : { userId: username, password: password?.reveal() ?? '' };
    const giveUp = (): void => void entered.destroy();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      signal.throwIfAborted();
      const { socket } = await SocksClient.createConnection({
        proxy: { host, port, type: 5, ...login },
        command: 'connect',
        destination: { host: address, port: targetPort },
        existing_socket: entered,
      });
      return socket;
    } catch (cause) {
      entered.destroy();
      throw describeTrouble(proxy, cause);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  };
}
