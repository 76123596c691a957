import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';
import { SocksClient } from 'socks';

import type { Dial } from './dial.ts';

/** A proxy of somebody else's through which connections leave. Its password never enters a machine. */
export interface UpstreamProxy {
  /** `http` and `https`: CONNECT (RFC 9110 §9.3.6) with Basic authentication (RFC 7617); `socks5`: RFC 1928 and 1929. */
  readonly protocol: 'http' | 'https' | 'socks5';
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: Secret;
}

/** Asks the proxy for an address, never for a name: what was resolved and checked here is what is reached. */
export function dialThrough(proxy: UpstreamProxy): Dial {
  return proxy.protocol === 'socks5' ? throughSocks(proxy) : throughConnect(proxy);
}

function throughConnect({ protocol, host, port, username, password }: UpstreamProxy): Dial {
  const request = protocol === 'https' ? requestByHttps : requestByHttp;
  return (address, targetPort, signal) =>
    new Promise<Duplex>((resolve, reject) => {
      const authority = `${isIPv6(address) ? `[${address}]` : address}:${targetPort}`;
      const headers: Record<string, string> = { host: authority };
      if (username !== undefined) {
        const pair = Buffer.from(`${username}:${password?.reveal() ?? ''}`).toString('base64');
        headers['proxy-authorization'] = `Basic ${pair}`;
      }
      const asked = request({ host, port, method: 'CONNECT', path: authority, headers, agent: false, signal });
      asked.once('connect', ({ statusCode = 0 }, socket, head) => {
        if (statusCode < 200 || statusCode > 299) {
          socket.destroy();
          reject(refused(host, port, `answered ${statusCode}`));
          return;
        }
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      asked.once('response', (response) => {
        response.destroy();
        reject(refused(host, port, `answered ${response.statusCode} instead of opening a tunnel`));
      });
      asked.once('error', (cause) => reject(refused(host, port, 'could not be reached', cause)));
      asked.end();
    });
}

function throughSocks({ host, port, username, password }: UpstreamProxy): Dial {
  return async (address, targetPort, signal) => {
    signal.throwIfAborted();
    const login = username === undefined ? {} : { userId: username, password: password?.reveal() ?? '' };
    try {
      const { socket } = await SocksClient.createConnection({
        proxy: { host, port, type: 5, ...login },
        command: 'connect',
        destination: { host: address, port: targetPort },
      });
      return socket;
    } catch (cause) {
      throw refused(host, port, 'refused the connection or could not be reached', cause);
    }
  };
}

/** Without the cause's words: some libraries quote what they sent. */
function refused(host: string, port: number, what: string, cause?: unknown): SallyportError {
  const hint = "Check the proxy's address, user and password in the configuration, and that it is up.";
  return new SallyportError('EGRESS_FAILED', `The upstream proxy ${host}:${port} ${what}.`, { hint, cause });
}
