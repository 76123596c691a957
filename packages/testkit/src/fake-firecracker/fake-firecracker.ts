import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { chown, rm } from 'node:fs/promises';

import type { Answer } from './answer.ts';
import { writeAnswer } from './answer.ts';
import type { Json } from './api-schema.ts';
import type { FakeComputer } from './computer.ts';
import { isJson } from './api-schema.ts';
import { createFakeHost } from './host.ts';
import type { Resources } from './resources.ts';
import { isAnswer, parseApiRequest } from './routes.ts';
import type { VmmPhase } from './vmm.ts';
import { createFakeVmm } from './vmm.ts';
import { createVsockServer } from './vsock.ts';
import type { FakeGuest } from './vsock.ts';
import { createWireReader } from './wire.ts';
import type { WireRequest } from './wire.ts';

export interface FakeFirecrackerOptions {
  readonly socketPath: string;
  /** The directory that is `/` for paths in requests: the jail. */
  readonly root: string;
  /** Default `fake`. */
  readonly id?: string;
  /** The host's network devices; absent: any name will do. */
  readonly taps?: readonly string[];
  /** Whether its KVM saves the time of day with a virtual machine's clock. Default `true`. */
  readonly clockRealtime?: boolean;
  /** What listens inside the guest; absent: nothing. */
  readonly guest?: FakeGuest;
  /** What runs inside, besides what listens; absent: nothing. */
  readonly computer?: FakeComputer;
  /** Whom its sockets belong to: a jailed one runs as that user. Default: this process's. */
  readonly user?: number;
  /** What it does not react to, so that it has to be ended by firmer means. */
  readonly ignores?: readonly ('SendCtrlAltDel' | 'SIGTERM')[];
  /** Called before a request is handled; the API stands still meanwhile. What it returns happens instead of an answer. */
  readonly interfere?: (request: SeenRequest, index: number) => FakeFault | undefined | Promise<FakeFault | undefined>;
}

/** What can go wrong with an answer. `exit`: the process dies before it handles the request. */
export type FakeFault =
  | { readonly kind: 'answer'; readonly status: 400 | 413 | 503; readonly body: Json }
  | { readonly kind: 'garbage' | 'half' | 'close' | 'hang' | 'exit' };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
  readonly headers: ReadonlyMap<string, string>;
}

export interface FakeExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A Firecracker process that runs no guest: everything it says is what the real one says. */
export interface FakeFirecracker {
  /** Every request in the order of handling, refused ones included. */
  readonly requests: readonly SeenRequest[];
  readonly phase: VmmPhase;
  readonly resources: Resources;
  /** The most API connections that were open at once, and how many there were in all. */
  readonly connections: { readonly most: number; readonly total: number };
  /** Everything that it would print or write to its log file. */
  readonly log: readonly string[];
  readonly exited: Promise<FakeExit>;
  kill(signal: NodeJS.Signals): void;
  /** Its guest reset the machine, which ends the process. */
  reboot(): void;
  /** Ends it without a trace. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 10;

export async function startFakeFirecracker(options: FakeFirecrackerOptions): Promise<FakeFirecracker> {
  const requests: SeenRequest[] = [];
  const log: string[] = [];
  const open = new Set<Socket>();
  const connections = { most: 0, total: 0 };
  const exit = Promise.withResolvers<FakeExit>();
  const host = createFakeHost(options.root, options.taps);
  const servers: Server[] = [];
  const ignores = new Set<string>(options.ignores);
  let over = false;
  let turn: Promise<void> = Promise.resolve();

  const vmm = createFakeVmm({
    host,
    id: options.id ?? 'fake',
    listenVsock: (path) =>
      listen(
        createVsockServer(options.guest ?? (() => undefined), () =>
          vmm.phase === 'Running' && !vmm.vsockHangs ? 'answers' : 'silent',
        ),
        host.locate(path),
      ).then(
        () => undefined,
        (error: unknown) => String(error),
      ),
    computer: options.computer,
    clockRealtime: options.clockRealtime ?? true,
    pressCtrlAltDel: () => {
      if (!ignores.has('SendCtrlAltDel')) {
        end({ code: 0, signal: null });
      }
    },
  });

  function end(how: FakeExit): void {
    over = true;
    for (const server of servers) {
      server.close();
    }
    for (const socket of open) {
      socket.destroySoon();
    }
    exit.resolve(how);
  }

  async function listen(server: Server, path: string): Promise<void> {
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
    // The file stays when the process dies, as it does for the real one.
    server.listen(path);
    await once(server, 'listening');
    servers.push(server);
    if (options.user !== undefined) {
      await chown(path, options.user, options.user);
    }
  }

  async function serve(request: WireRequest, socket: Socket): Promise<void> {
    const seen = describe(request);
    const index = requests.push(seen) - 1;
    const line = describeLine(seen);
    log.push(line);
    vmm.log(line);
    const happens = await options.interfere?.(seen, index);
    if (happens?.kind === 'hang') {
      await exit.promise;
    }
    if (over || socket.destroyed) {
      return;
    }
    if (happens && happens.kind !== 'answer' && happens.kind !== 'hang') {
      disturb(happens.kind, socket);
      if (happens.kind === 'exit') {
        end({ code: null, signal: 'SIGKILL' });
      }
      return;
    }
    const parsed = parseApiRequest(request);
    const answer: Answer =
      (happens?.kind === 'answer' ? happens : undefined) ?? (isAnswer(parsed) ? parsed : await vmm.handle(parsed));
    socket.write(writeAnswer(answer));
    if (answer.exitCode !== undefined) {
      end({ code: answer.exitCode, signal: null });
    }
  }

  const api = createServer((socket) => {
    connections.total += 1;
    socket.on('error', () => {});
    if (apiSockets.size >= MAX_CONNECTIONS) {
      socket.end(writeAnswer({ status: 503, body: { error: 'Too many open connections' } }));
      return;
    }
    apiSockets.add(socket);
    connections.most = Math.max(connections.most, apiSockets.size);
    socket.once('close', () => apiSockets.delete(socket));
    const read = createWireReader();
    socket.on('data', (chunk) => {
      for (const event of read(chunk)) {
        if (event.kind === 'refused') {
          const error = `${event.message}\nAll previous unanswered requests will be dropped.`;
          socket.write(writeAnswer({ status: 400, body: { error } }));
        } else {
          turn = turn.then(() => (over ? undefined : serve(event.request, socket)));
        }
      }
    });
  });
  const apiSockets = new Set<Socket>();
  await listen(api, options.socketPath);

  return {
    requests,
    connections,
    log,
    exited: exit.promise,
    get phase() {
      return vmm.phase;
    },
    get resources() {
      return vmm.resources;
    },
    reboot: () => end({ code: 0, signal: null }),
    kill: (signal) => {
      if (!ignores.has(signal)) {
        end({ code: null, signal });
      }
    },
    close: async () => {
      end({ code: null, signal: 'SIGKILL' });
      for (const socket of open) {
        socket.destroy();
      }
      await rm(options.socketPath, { force: true });
    },
  };
}

function disturb(kind: 'garbage' | 'half' | 'close' | 'exit', socket: Socket): void {
  switch (kind) {
    case 'garbage':
      socket.end('\u001b[2Jnot HTTP at all\r\n\r\n');
      return;
    case 'half':
      socket.end('HTTP/1.1 400 \r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{"fault_mess');
      return;
    case 'close':
    case 'exit':
      socket.destroy();
  }
}

function describe({ method, path, body, headers }: WireRequest): SeenRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body ?? 'null');
  } catch {
    // It is answered for what it is.
  }
  return { method, path, headers, ...(isJson(parsed) && { body: parsed }) };
}

/** Everything is logged with its body, except what goes to the metadata service. */
function describeLine({ method, path, body }: SeenRequest): string {
  return path === '/mmds' || body === undefined
    ? `The API server received a ${method} request on "${path}".`
    : `The API server received a ${method} request on "${path}" with body ${JSON.stringify(body)}.`;
}
