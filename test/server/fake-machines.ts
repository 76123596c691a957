import { PassThrough } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Machine, MachineDriver, MachineExit, PlacedFile } from '@sallyport/core/driver';
import type { AgentClient, AgentEvent, ConnectAgent, ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';

import { listFakeFiles, readFakeFile } from '../../packages/testkit/src/fake-driver/fake-files.ts';

/** Machines that are nothing but memory, and an agent that does what a test tells it. */
export interface FakeMachines {
  readonly driver: MachineDriver;
  readonly connectAgent: ConnectAgent;
  /** What agents of login machines tell, in order. */
  readonly agentEvents: Queue<AgentEvent>;
  /** What the next prompts print. */
  readonly output: Queue<ExecuteEvent>;
  /** The prompts that were run. */
  readonly executed: ExecuteRequest[];
  /** Texts in every machine's `~/work`, by their path. */
  readonly workFiles: Record<string, string>;
  /** The agents' ends of the viewers that were let in; each says back what it is told. */
  readonly desktops: PassThrough[];
}

async function* endWell(): AsyncGenerator<ExecuteEvent> {
  yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
}

export function createFakeMachines(): FakeMachines {
  const machines = new Map<string, Machine>();
  const loginMachines = new Set<string>();
  const agentEvents = createQueue<AgentEvent>();
  const output = createQueue<ExecuteEvent>();
  const executed: ExecuteRequest[] = [];
  const desktops: PassThrough[] = [];
  const workFiles: Record<string, string> = {};
  const driver: MachineDriver = {
    name: 'memory',
    features: { desktop: true, loopback: 'none', hibernate: false, isolation: 'None at all.' },
    create: async ({ machineId, role }) => {
      if (role === 'browser') loginMachines.add(machineId);
      const machine = createMachine(machineId, () => machines.delete(machineId));
      machines.set(machineId, machine);
      return machine;
    },
    list: async () => [...machines.keys()].map((machineId) => ({ machineId, role: 'cli', running: true })),
    adopt: async ({ machineId }) => machines.get(machineId),
    doctor: async () => [],
  };
  const connectAgent: ConnectAgent = ({ id }): AgentClient => ({
    health: async () => ({ status: 'ok', timestamp: new Date().toISOString(), activeSessions: 0 }),
    startLogin: async () => ({ success: true, oauthUrl: null, userCode: null }),
    answer: async () => undefined,
    cancelLogin: async () => undefined,
    callback: async () => false,
    openPage: async () => undefined,
    watchCredentials: async () => undefined,
    acknowledge: async () => undefined,
    startAhead: async () => undefined,
    endWaiting: async () => undefined,
    listFiles: async (request) => listFakeFiles(workFiles, request),
    readFile: async (path, signal) => readFakeFile(workFiles, path, signal),
    capture: async () => undefined,
    events: (signal) => (loginMachines.has(id) ? agentEvents : createQueue<AgentEvent>()).read(signal),
    execute: (request, signal) => {
      executed.push(request);
      if (request.argv[0] === 'logout') return endWell();
      return untilExit(output.read(signal));
    },
    upgradeDesktop: async () => {
      const socket = new PassThrough();
      desktops.push(socket);
      return { socket, head: Buffer.from('RFB'), accept: 'accepted', protocol: 'binary' };
    },
  });
  return { driver, connectAgent, agentEvents, output, executed, workFiles, desktops };
}

async function* untilExit(events: AsyncIterable<ExecuteEvent>): AsyncGenerator<ExecuteEvent> {
  for await (const event of events) {
    yield event;
    if (event.type === 'exit') return;
  }
}

function createMachine(id: string, forget: () => void): Machine {
  const files = new Map<string, PlacedFile>();
  const exit = Promise.withResolvers<MachineExit>();
  const end = async (): Promise<void> => exit.resolve({ code: 0, signal: null, console: '' });
  return {
    id,
    start: async () => undefined,
    connect: async () => {
      throw new SallyportError('MACHINE_FAILED', 'Nothing listens in a machine of memory.');
    },
    exited: exit.promise,
    stop: end,
    destroy: async () => {
      forget();
      await end();
    },
    disk: {
      harvest: async (_provider, paths) => [...files.values()].filter(({ path }) => paths.includes(path)),
      inject: async (_provider, placed) => {
        for (const file of placed) files.set(file.path, file);
      },
      remove: async (_provider, paths) => {
        for (const path of paths) files.delete(path);
      },
    },
  };
}

/** Values in the order in which they were put in; a reader waits for the next one. */
export interface Queue<T> {
  put(...values: readonly T[]): void;
  read(signal: AbortSignal): AsyncGenerator<T>;
}

function createQueue<T>(): Queue<T> {
  const values: T[] = [];
  let more = Promise.withResolvers<void>();
  return {
    put: (...added) => {
      values.push(...added);
      more.resolve();
      more = Promise.withResolvers();
    },
    read: async function* (signal) {
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      aborted.catch(() => undefined);
      for (;;) {
        signal.throwIfAborted();
        const next = values.shift();
        if (next === undefined) await Promise.race([more.promise, aborted]);
        else yield next;
      }
    },
  };
}
