import type { IncomingMessage, ServerResponse } from 'node:http';

import { personMachineId, sendJson, type Site } from './site.ts';
import type { Visitor } from './visit-server.ts';

/**
 * The door for the user's own browser, which cannot be sent through a machine's egress: the same sites on
 * this host's loopback address, as `http://127.0.0.1:<port>/<host>/<path>`.
 */
export function visitorFromLoopback(
  request: IncomingMessage,
  response: ServerResponse | undefined,
  sites: Readonly<Record<string, Site>>,
): Visitor | undefined {
  const refuse = (status: number, message: string): undefined => {
    if (response) sendJson(response, status, { error: { message } });
    return undefined;
  };
  // A page elsewhere could point its own name at 127.0.0.1 (DNS rebinding); it cannot choose this header.
  if (!/^(127\.0\.0\.1|localhost):\d+$/.test(request.headers.host ?? '')) {
    return refuse(421, 'Open this server as http://127.0.0.1.');
  }
  const match = /^\/(?<host>[a-z0-9.-]+)(?<rest>\/.*)$/.exec(request.url ?? '')?.groups;
  const host = match?.['host'];
  if (!host || !Object.hasOwn(sites, host)) return refuse(404, 'The path must start with the name of a fake site.');
  request.url = match['rest'] ?? '/';
  return { host, machineId: personMachineId, userId: personMachineId, purpose: 'sign-in' };
}

/** Where the user's own browser finds a link of the fake internet; other links stay as they are. */
export function loopbackUrl(url: string, origin: string, sites: Readonly<Record<string, Site>>): string {
  const parsed = URL.parse(url);
  if (!parsed || parsed.protocol !== 'https:' || parsed.port !== '' || !Object.hasOwn(sites, parsed.hostname)) {
    return url;
  }
  return `${origin}/${parsed.hostname}${parsed.pathname}${parsed.search}${parsed.hash}`;
}
