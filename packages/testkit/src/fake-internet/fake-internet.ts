import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import { type Clock, SallyportError, systemClock } from '@sallyport/core';
import {
  type Egress,
  type EgressOptions,
  type EgressRoute,
  type NetworkPlan,
  type ReservedRoute,
} from '@sallyport/core/egress';

import { createCertificateAuthority } from './certificate-authority.ts';
import { createConnectProxy } from './connect-proxy.ts';
import { createControlServer } from './control.ts';
import { closeServer, listenOnLoopback, listenOnSocket } from './listen.ts';
import { loopbackUrl, visitorFromLoopback } from './loopback.ts';
import { createNetworkFaults } from './network-faults.ts';
import { createRequestLog, type LoggedRequest } from './request-log.ts';
import { type Controllable, sendJson, type Site } from './site.ts';
import { makeSocketDirectory } from './socket-folder.ts';
import { createVisitServer, type Visitor } from './visit-server.ts';

export interface FakeInternetOptions {
  /** Made when absent. Leads to the sockets: where its path is too long for them, it becomes a link to a short one. */
  readonly directory: string;
  /** What answers, by exact host name. Other hosts answer 502. */
  readonly sites: Readonly<Record<string, Site>>;
  /** What the control socket steers, by name; `network` is taken. */
  readonly controls?: Readonly<Record<string, Controllable>>;
  /** Port for the user's own browser on 127.0.0.1. Default: any free one. */
  readonly loopbackPort?: number;
  readonly clock?: Clock;
}

/** The internet of the tests and the demo: an egress that answers for the vendors' hosts itself. */
export interface FakeInternet extends Egress {
  /** Root certificate of this run. PEM. */
  readonly certificateAuthority: string;
  /** Unix socket for `createFakeInternetControl`. */
  readonly controlSocket: string;
  /** Where the user's own browser finds the sites: `http://127.0.0.1:<port>`. */
  readonly loopback: string;
  /** The same link for the user's own browser; links to hosts that are not faked stay as they are. */
  userUrl(url: string): string;
  log(): readonly LoggedRequest[];
  close(): Promise<void>;
}

export async function createFakeInternet(options: FakeInternetOptions): Promise<FakeInternet> {
  const { sites, clock = systemClock } = options;
  const folder = await makeSocketDirectory(options.directory, socketName().length);
  const authority = await createCertificateAuthority(clock.now());
  const log = createRequestLog();
  const network = createNetworkFaults();
  const shared = { sites, log, clock, faults: network.current };

  const visitors = new WeakMap<object, Visitor>();
  const behindTls = createVisitServer({
    ...shared,
    visitor(request, response) {
      const visitor = visitors.get(request.socket);
      // One name to open the connection and another inside it is how allow-lists are fooled (domain fronting).
      if (visitor && request.headers.host?.replace(/:443$/, '') === visitor.host) return visitor;
      if (response) sendJson(response, 421, { error: { message: 'The Host header names another host.' } });
      return undefined;
    },
  });
  const loopbackServer = createVisitServer({
    ...shared,
    visitor: (request, response) => visitorFromLoopback(request, response, sites),
  });
  const controlServer = createControlServer({ ...options.controls, network }, log);
  const controlSocket = join(folder.path, 'control.sock');
  await rm(controlSocket, { force: true });
  await listenOnSocket(controlServer, controlSocket, 0o600);
  const loopback = `http://127.0.0.1:${await listenOnLoopback(loopbackServer, options.loopbackPort ?? 0)}`;

  const routes = new Set<EgressRoute>();

  async function reserve(machineId: string, { signal }: { readonly signal: AbortSignal }): Promise<ReservedRoute> {
    signal.throwIfAborted();
    const socketPath = join(folder.path, socketName());
    const connections = new Set<TLSSocket>();
    let assigned: { readonly plan: NetworkPlan; readonly options: EgressOptions } | undefined;
    const proxy: Server = createConnectProxy({
      hosts: () => assigned?.plan.hosts ?? [],
      authority,
      onRefused: (host, reason) => assigned?.options.onRefused?.(host, reason),
      onConnection(socket, host) {
        if (!assigned) {
          socket.destroy();
          return;
        }
        connections.add(socket);
        socket.on('close', () => connections.delete(socket));
        const { userId, purpose } = assigned.plan;
        visitors.set(socket, { host, machineId, userId, purpose });
        behindTls.emit('connection', socket);
      },
    });
    // The machine runs as another user; others cannot list the directory, so they do not know the name.
    await listenOnSocket(proxy, socketPath, 0o666);
    const route: EgressRoute = {
      socketPath,
      certificateAuthority: authority.certificate,
      address: '127.0.0.1',
      async close() {
        if (!routes.delete(route)) return;
        for (const socket of connections) socket.destroy();
        await closeServer(proxy);
      },
    };
    routes.add(route);
    return {
      ...route,
      async assign(plan, egressOptions) {
        if (assigned)
          throw new SallyportError('EGRESS_FAILED', `The egress of machine ${machineId} belongs to a user already.`);
        assigned = { plan, options: egressOptions };
        return route;
      },
    };
  }

  async function open(plan: NetworkPlan, egressOptions: EgressOptions): Promise<EgressRoute> {
    const reserved = await reserve(plan.machineId, egressOptions);
    return reserved.assign(plan, egressOptions);
  }

  return {
    name: 'fake-internet',
    certificateAuthority: authority.certificate,
    controlSocket,
    loopback,
    open,
    reserve,
    userUrl: (url) => loopbackUrl(url, loopback, sites),
    log: () => log.entries(),
    async close() {
      await Promise.all([...routes].map((route) => route.close()));
      behindTls.emit('close');
      await Promise.all([closeServer(controlServer), closeServer(loopbackServer)]);
      await folder.remove();
    },
  };
}

/** The machine is left out of the name: a socket path has room for about a hundred bytes in all. */
function socketName(): string {
  return `${randomBytes(8).toString('hex')}.sock`;
}
