import { createServer } from 'node:http';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { Egress, EgressIdentity, ReservedRoute } from '@sallyport/core/egress';

import { limitConnections } from '../host/connection-limit.ts';
import type { Way } from './dial.ts';
import { listenOnSocket } from './listen-on-socket.ts';
import { parseMachineDestination, routeToHosts } from './machine-destinations.ts';
import { resolveByHost } from './resolve-by-host.ts';
import { createTunnels, refusal, refuse } from './tunnels.ts';
import type { TunnelLimits, Tunnels } from './tunnels.ts';

/** What every egress of this package needs. */
export interface GatewayOptions {
  /** Directory for the sockets, one for each machine. Made when it is absent. */
  readonly directory: string;
  readonly clock: Clock;
  /** Name → addresses. Default: the host's own resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly limits?: Partial<TunnelLimits>;
}

export interface GatewayKind {
  /** Shown to the operator. */
  readonly name: string;
  /** See {@link Egress}. */
  readonly needsProxyPort?: boolean;
  /** How this user's connections leave. Throws where they cannot: nothing ever leaves another way. */
  wayFor(identity: EgressIdentity): Way;
}

const DEFAULT_LIMITS: TunnelLimits = { connectMs: 15_000, idleMs: 5 * 60_000, connections: 64, sockets: 128 };

/**
 * One unix socket for each machine, on which it finds an HTTP proxy that leads to the allowed hosts on port 443 and to
 * nothing else. Which machine speaks is known by the socket, so a machine needs no password, and has none to steal.
 */
export function createGateway(options: GatewayOptions, kind: GatewayKind): Egress {
  const resolve = options.resolve ?? resolveByHost;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };

  async function reserve(machineId: string, { signal }: { readonly signal: AbortSignal }): Promise<ReservedRoute> {
    signal.throwIfAborted();
    let tunnels: Tunnels | undefined;
    const server = createServer({ maxHeaderSize: 8 * 1024 }, (_request, response) => {
      response.writeHead(403, { connection: 'close' }).end('Only CONNECT to port 443 of an allowed host leads out.\n');
    });
    server.headersTimeout = limits.connectMs;
    server.on('connect', (request, socket, head) => {
      if (tunnels) void tunnels.open(request.url ?? '', socket, head);
      else refuse(socket, options.clock, '403 Forbidden');
    });
    server.on('clientError', (_error, socket) => socket.destroy());
    // One connection is one file descriptor of this server, which all machines share.
    limitConnections(server, {
      most: limits.sockets,
      refusal: refusal('503 Service Unavailable'),
      clock: options.clock,
    });
    const listening = { directory: options.directory, name: `${machineId}.sock`, onClose: () => tunnels?.closeAll() };
    const route = await listenOnSocket(server, listening).catch((cause: unknown) => {
      throw new SallyportError('EGRESS_FAILED', `The egress for machine ${machineId} could not be opened.`, {
        cause,
      });
    });
    return {
      ...route,
      assign: async ({ hosts, identity }, egressOptions) => {
        if (tunnels) {
          throw new SallyportError('EGRESS_FAILED', `The egress of machine ${machineId} belongs to a user already.`);
        }
        tunnels = createTunnels({
          parse: parseMachineDestination,
          routeTo: routeToHosts(hosts, { way: kind.wayFor(identity), resolve }),
          limits,
          clock: options.clock,
          onRefused: ({ host }, reason, problem) => egressOptions.onRefused?.(host, reason, problem),
        });
        return identity.address === undefined ? route : { ...route, address: identity.address };
      },
    };
  }

  return {
    name: kind.name,
    ...(kind.needsProxyPort !== undefined && { needsProxyPort: kind.needsProxyPort }),
    reserve,
    open: async (plan, egressOptions) => {
      const reserved = await reserve(plan.machineId, egressOptions);
      try {
        return await reserved.assign(plan, egressOptions);
      } catch (error) {
        await reserved.close();
        throw error;
      }
    },
  };
}
