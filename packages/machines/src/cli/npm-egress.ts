import { createServer, request as sendRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { systemClock } from '@sallyport/core';

import type { Destination } from '../egress/destination.ts';
import { listenOnSocket } from '../egress/listen-on-socket.ts';
import { createTunnels, refusal } from '../egress/tunnels.ts';
import type { RefusedDestination, TunnelLimits, Tunnels } from '../egress/tunnels.ts';
import { limitConnections } from '../host/connection-limit.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { askNpm } from './ask-npm.ts';
import type { NpmEgressUse } from './ask-npm.ts';
import { authorityOf, parseDestination, routesToRegistries } from './registry-routes.ts';
import { readNpmSettings } from './npm-settings.ts';
import type { NpmSettings } from './npm-settings.ts';

export interface NpmEgress extends NpmEgressUse {
  close(): Promise<void>;
}

export interface NpmEgressOptions {
  readonly npm: string;
  readonly sandbox: ProbedSandbox;
  readonly signal: AbortSignal;
  /** Called for each host that npm asked for and that is not a registry, the first time. Default: nothing. */
  readonly onProblem?: (problem: string) => void;
}

/** npm itself gives up on a request after five minutes. */
const LIMITS: TunnelLimits = { connectMs: 30_000, idleMs: 6 * 60_000, connections: 64, sockets: 128 };

/** A misled npm may ask for any number of hosts. */
const MOST_PROBLEMS = 20;

/**
 * The egress of an npm in a sandbox: an HTTP proxy that leads to the operator's registries, exactly as configured, and to
 * nothing else. What npm fetches names hosts, as does a redirect, and they must not lead into the network of this host.
 * `undefined` where npm has no sandbox.
 */
export async function openNpmEgress(options: NpmEgressOptions): Promise<NpmEgress | undefined> {
  if (options.sandbox.bubblewrap === undefined) return undefined;
  const settings = await askNpm({ ...options, what: 'its registries', egress: undefined }, readNpmSettings);
  return serveEgress(settings, options.onProblem);
}

async function serveEgress(settings: NpmSettings, onProblem?: (problem: string) => void): Promise<NpmEgress> {
  const problems = new Map<string, string>();
  const tunnels = createTunnels({
    parse: parseDestination,
    routeTo: routesToRegistries(settings),
    limits: LIMITS,
    clock: systemClock,
    proxySetting: "npm's settings `proxy` and `https-proxy`",
    onRefused: (refused, _reason, problem = notConfigured(refused, settings)) => {
      const name = nameOf(refused);
      if (problems.has(name) || problems.size === MOST_PROBLEMS) return;
      problems.set(name, problem);
      onProblem?.(problem);
    },
  });
  const server = createServer((request, response) => void forward(tunnels, request, response));
  server.on('connect', (request, socket, head) => void tunnels.open(request.url ?? '', socket, head));
  server.on('clientError', (_error, socket) => socket.destroy());
  limitConnections(server, {
    most: LIMITS.sockets,
    refusal: refusal('503 Service Unavailable'),
    clock: systemClock,
  });
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-npm-egress-'));
  const removeDirectory = (): Promise<void> => rm(directory, { recursive: true, force: true });
  const listening = { directory, name: 'proxy.sock', onClose: () => tunnels.closeAll() };
  try {
    const route = await listenOnSocket(server, listening);
    return {
      socketPath: route.socketPath,
      problems: () => [...problems.values()],
      close: async () => {
        await route.close();
        await removeDirectory();
      },
    };
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}

/** Forwards a request to a registry that is not on TLS (RFC 9112 §3.2.2). All others are tunnels. */
async function forward(tunnels: Tunnels, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = URL.parse(request.url ?? '');
  if (url?.protocol !== 'http:') {
    response.writeHead(403, { connection: 'close' }).end();
    return;
  }
  const upstream = await tunnels.connect(authorityOf(url), request.socket);
  if (upstream === undefined) return;
  response.once('close', () => upstream.destroy());
  const forwarded = sendRequest({
    method: request.method,
    path: `${url.pathname}${url.search}`,
    headers: { ...endToEnd(request.headers), host: url.host, connection: 'close' },
    createConnection: () => upstream,
  });
  forwarded.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
    void pipeline(answer, response).catch(() => response.destroy());
  });
  await pipeline(request, forwarded).catch(() => response.destroy());
}

const HOP_BY_HOP = new Set(
  'connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
);

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

function nameOf({ host, port }: RefusedDestination | Destination): string {
  return port === undefined ? host : `${host}:${port}`;
}

function notConfigured(refused: RefusedDestination, { registries }: NpmSettings): string {
  const allowed = [...new Set(registries.map(authorityOf))].join(', ');
  return `npm was refused ${JSON.stringify(nameOf(refused))}, which is not a registry of its settings (${allowed}). If your registry keeps packages there, add a line like \`@packages:registry=https://host/\` to .npmrc.`;
}
