import type { Duplex } from 'node:stream';

import { createSerialQueue, hangUp } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { RefusalReason } from '@sallyport/core/egress';

import type { Destination, Route } from './destination.ts';
import type { Entrance } from './dial.ts';
import { explainAddress } from './explain-address.ts';
import { explainFailure } from './explain-failure.ts';

export interface TunnelLimits {
  /** To resolve the name and connect. */
  readonly connectMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** Tunnels of one machine at a time. */
  readonly connections: number;
  /** Open connections of one machine at a time, including those without a tunnel. */
  readonly sockets: number;
}

export interface TunnelOptions {
  /** Reads `host:port`; `undefined` if it can never be a destination. */
  readonly parse: (authority: string) => Destination | undefined;
  /** The route to a destination; `undefined` if it is not allowed. */
  readonly routeTo: (destination: Destination) => Route | undefined;
  readonly limits: TunnelLimits;
  readonly clock: Clock;
  /** The port is absent if there was none to read. */
  readonly onRefused?: (refused: RefusedDestination, reason: RefusalReason, problem?: string) => void;
  /** Where the operator configures a proxy, for the explanation of a failure. Default: the configuration's `egress`. */
  readonly proxySetting?: string;
}

export interface RefusedDestination {
  readonly host: string;
  readonly port?: number;
}

export interface Tunnels {
  /** Serves one CONNECT request (RFC 9110 §9.3.6) for the given `host:port`. */
  open(authority: string, socket: Duplex, head: Buffer): Promise<void>;
  /**
   * Connects to `host:port` for the client at the other end of `socket`. Where that fails, refuses the client and returns
   * `undefined`.
   */
  connect(authority: string, socket: Duplex): Promise<Duplex | undefined>;
  closeAll(): void;
}

/**
 * The name is resolved here and the connection goes to an address that was looked at, so a name that points
 * into the host's own network, or starts to between two lookups, leads nowhere.
 */
export function createTunnels(options: TunnelOptions): Tunnels {
  const { clock, limits } = options;
  const clients = new Set<Duplex>();
  const upstreams = new Set<Duplex>();
  // Node looks names up in two threads for the whole server, and a lookup that has begun cannot be ended: names of one
  // machine that nobody answers for must not keep the others from theirs.
  const lookUps = createSerialQueue();

  async function serve(authority: string, socket: Duplex, head: Buffer): Promise<void> {
    const upstream = await connect(authority, socket);
    if (!upstream) {
      return;
    }
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    upstream.write(head);
    splice(socket, upstream);
  }

  async function connect(authority: string, socket: Duplex): Promise<Duplex | undefined> {
    const destination = options.parse(authority);
    const route = destination && options.routeTo(destination);
    if (destination === undefined || route === undefined) {
      options.onRefused?.(destination ?? { host: authority.slice(0, 200) }, 'not-allowed');
      refuse(socket, clock, '403 Forbidden');
      return undefined;
    }
    if (clients.size > limits.connections) {
      refuse(socket, clock, '503 Service Unavailable');
      return undefined;
    }
    const upstream = await reach(destination, route, socket);
    if (upstream && socket.destroyed) {
      upstream.destroy();
      return undefined;
    }
    if (upstream) {
      upstreams.add(upstream);
      upstream.once('close', () => upstreams.delete(upstream));
    }
    return upstream;
  }

  async function reach(destination: Destination, route: Route, socket: Duplex): Promise<Duplex | undefined> {
    using deadline = clock.deadline(limits.connectMs, () => new Error(`no answer within ${limits.connectMs / 1000} s`));
    const { signal } = deadline;
    const over = aborted(signal);
    const { host, port } = destination;
    const enter = (): Promise<Entrance> => inTime(route.way.enter(signal), over, (late) => late.close());
    let entrance: Entrance | undefined;
    let stage: RefusalReason = 'upstream';
    let lastError: unknown;
    try {
      entrance = await enter();
      stage = 'not-found';
      const lookUp = lookUps(async () => {
        signal.throwIfAborted();
        return route.resolve(host);
      });
      lookUp.catch(() => {});
      const addresses = await Promise.race([lookUp, over]);
      // One bad address among good ones is a trick, not an accident.
      const bad = addresses.find((address) => !route.acceptsAddress(address));
      if (bad !== undefined) {
        options.onRefused?.(destination, 'not-public', explainAddress(host, bad));
        refuse(socket, clock, '403 Forbidden');
        return undefined;
      }
      if (addresses.length > 0) stage = 'unreachable';
      for (const candidate of addresses) {
        const { dial } = entrance ?? (await enter());
        entrance = undefined;
        const dialled = inTime(dial(candidate, port, signal), over, (late) => late.destroy());
        const upstream = await dialled.catch((error: unknown) => void (lastError = error));
        if (upstream) return upstream;
        signal.throwIfAborted();
      }
    } catch (error) {
      lastError = error;
    } finally {
      entrance?.close();
    }
    // The operator learns the cause; the machine only that it failed, not how the host's network looks.
    const { reason, problem } = explainFailure(destination, stage, lastError, options.proxySetting);
    options.onRefused?.(destination, reason, problem);
    refuse(socket, clock, '502 Bad Gateway');
    return undefined;
  }

  function splice(socket: Duplex, upstream: Duplex): void {
    const idle = watchIdle(clock, limits.idleMs, () => socket.destroy());
    socket.on('data', idle.touch);
    upstream.on('data', idle.touch);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.once('close', () => {
        idle.stop();
        to.destroy();
      });
    }
  }

  function watch(socket: Duplex): void {
    if (clients.has(socket)) return;
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  return {
    open: async (authority, socket, head) => {
      watch(socket);
      await serve(authority, socket, head);
    },
    connect: (authority, socket) => {
      watch(socket);
      return connect(authority, socket);
    },
    closeAll: () => {
      for (const stream of [...clients, ...upstreams]) {
        stream.destroy();
      }
    },
  };
}

/** Answers and hangs up. */
export function refuse(socket: Duplex, clock: Clock, status: string): void {
  hangUp(socket, refusal(status), clock);
}

export function refusal(status: string): string {
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}

/** Rejects when the signal aborts; never keeps anything alive. */
function aborted(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  promise.catch(() => {});
  return promise;
}

/** What opens after its time is over must not stay open. */
async function inTime<T>(opening: Promise<T>, over: Promise<never>, close: (late: T) => void): Promise<T> {
  try {
    return await Promise.race([opening, over]);
  } catch (error) {
    opening.then(close, () => undefined);
    throw error;
  }
}

function watchIdle(clock: Clock, idleMs: number, onIdle: () => void): { touch(this: void): void; stop(): void } {
  const stopped = new AbortController();
  let last = clock.monotonic();
  const watch = async (): Promise<void> => {
    for (let left = idleMs; left > 0; left = last + idleMs - clock.monotonic()) {
      await clock.sleep(left, stopped.signal);
    }
    onIdle();
  };
  watch().catch(() => {});
  return { touch: () => (last = clock.monotonic()), stop: () => stopped.abort() };
}
