import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createSallyport, resolveUserId, SallyportError, Secret, systemClock } from '@sallyport/core';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import type { MachineDriver } from '@sallyport/core/driver';
import type { Store } from '@sallyport/core/store';
import { createHttpServer } from '@sallyport/server';
import { createFakeDriver, createFakeProvider } from '@sallyport/testkit';
import { pino } from 'pino';

import { poll } from '../../e2e/support/server.ts';
import { createMetrics } from '../../packages/server/src/http/metrics.ts';

/** The whole server with machines that exist in memory only: what it takes is all its own. */
export interface ControlPlane {
  /** A new user with a login and no machine. */
  connect(name: string): Promise<void>;
  /** Puts a user's machine to sleep. */
  hibernate(name: string): Promise<void>;
  /** Sends a prompt, and resolves when it has ended. */
  prompt(name: string): Promise<Reached>;
  /** Sends a prompt and goes on at once. */
  begin(name: string): BegunPrompt;
  readonly url: string;
  close(): Promise<void>;
}

export interface BegunPrompt {
  /** Its path, known when its stream begins. */
  readonly address: Promise<string>;
  readonly ended: Promise<void>;
}

/** How long it took from the request until the agent of the ready machine was handed the prompt. */
export interface Reached {
  readonly readyMs: number;
  /** Of that, in the driver. */
  readonly driverMs: number;
}

export interface ControlPlaneOptions {
  readonly store: Store;
  /** An empty directory. */
  readonly folder: string;
  /** Machines that are started at a time. */
  readonly startAtOnce: number;
  /** What the CLI prints of a prompt. Default: one word. */
  readonly answer?: (prompt: string) => AsyncIterable<string>;
  /** Machines that are already on this host and have rows in the store, stopped. */
  readonly stopped?: readonly string[];
}

/** As many as a bench opens. */
const roomy = { streams: { perUser: 4_000, inAll: 4_000 }, connectionsPerAddress: 4_000 };

/** Starts it on a free port. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { store, folder, startAtOnce, answer, stopped = [] } = options;
  const fake = createFakeDriver({ hibernate: true });
  const entered = new Map<string, number>();
  const spent = new Map<string, number>();
  fake.script.execute = async function* ({ prompt }) {
    entered.set(prompt, performance.now());
    for await (const text of answer?.(prompt) ?? ['done'])
      yield { type: 'stdout', line: JSON.stringify({ type: 'text', text }) };
    yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
  };
  const metrics = createMetrics(systemClock);
  const log = pino({ level: 'silent' });
  const sallyport = createSallyport({
    providers: [createFakeProvider()],
    plugins: [...metrics.plugins],
    driver: timed(withStopped(fake.driver, stopped), (userId, ms) => spent.set(userId, (spent.get(userId) ?? 0) + ms)),
    store,
    egress: { name: 'nowhere', open: async () => ({ socketPath: '/nowhere', close: async () => undefined }) },
    keyRing: createLocalKeyRing({ keys: { bench: new Secret(new Uint8Array(randomBytes(32))) }, current: 'bench' }),
    connectAgent: fake.connectAgent,
    agent: { directory: '/nowhere', entry: 'main.js', nodeArgs: [], node: '/nowhere/node' },
    installCli: async () => '/nowhere/cli',
    callbackPorts: { acquire: async () => ({ occupied: [], release: async () => undefined }) },
    settings: { queue: { atOnce: startAtOnce, maxWaiting: 100, waitMs: 120_000 } },
  });
  metrics.watchHost(() => sallyport.machines.host());
  await mkdir(folder, { recursive: true });
  for (const page of ['index.html', 'viewer.html', 'page.js']) await writeFile(join(folder, page), '');
  const server = await createHttpServer({
    sallyport,
    metrics,
    log,
    clock: systemClock,
    webDirectory: folder,
    ...roomy,
  });
  await sallyport.start();
  const url = await server.listen({ host: '127.0.0.1', port: 0 });

  function send(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  async function post(path: string, body: unknown): Promise<string> {
    const response = await send(path, body);
    const text = await response.text();
    if (!response.ok || text.includes('"outcome":"failed"'))
      throw new Error(`${path} answered ${response.status}: ${text}`);
    return text;
  }

  return {
    url,
    connect: async (name) => {
      const auth = JSON.stringify({ token: 'bench', account: name, issuedAt: 1 });
      await post('/api/credentials/fake', { userId: name, files: { auth } });
    },
    hibernate: async (name) => {
      const { userId } = resolveUserId(name);
      for (const { machineId } of await sallyport.machines.list(userId)) {
        // A prompt lets go of its machine a moment after it has told its end.
        await poll('the machine to be free', async () => {
          await untilFree(sallyport.machines.hibernate(userId, machineId));
          return (await sallyport.machines.list(userId)).every(({ state }) => state === 'hibernated') || undefined;
        });
      }
    },
    prompt: async (name) => {
      const { userId } = resolveUserId(name);
      spent.delete(userId);
      const began = performance.now();
      await post('/api/vm/cli/prompt', { userId: name, provider: 'fake', prompt: name });
      const ready = entered.get(name) ?? Number.NaN;
      entered.delete(name);
      return { readyMs: ready - began, driverMs: spent.get(userId) ?? 0 };
    },
    begin: (name) => {
      const response = send('/api/vm/cli/prompt', { userId: name, provider: 'fake', prompt: name });
      return {
        address: response.then(({ headers }) => headers.get('location') ?? ''),
        ended: response.then(async (stream) => void (await stream.text())),
      };
    },
    close: async () => {
      await sallyport.close();
      await server.close();
    },
  };
}

async function untilFree(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!SallyportError.isInstance(error) || error.code !== 'MACHINE_BUSY') throw error;
  });
}

/** The same driver on a host that has further machines. It lists them, and knows nothing else of them. */
function withStopped(driver: MachineDriver, machineIds: readonly string[]): MachineDriver {
  const refs = machineIds.map((machineId) => ({ machineId, role: 'cli', running: false }) as const);
  return { ...driver, list: async () => [...refs, ...(await driver.list())] };
}

/** The same driver, which tells how long each user waited in it. */
function timed(driver: MachineDriver, onSpent: (userId: string, ms: number) => void): MachineDriver {
  return {
    ...driver,
    create: async (plan, options) => {
      const note = async <Result>(work: () => Promise<Result>): Promise<Result> => {
        const began = performance.now();
        try {
          return await work();
        } finally {
          onSpent(plan.userId, performance.now() - began);
        }
      };
      const machine = await note(() => driver.create(plan, options));
      const { disk } = machine;
      return {
        ...machine,
        // Another one for each boot.
        get exited() {
          return machine.exited;
        },
        start: (start) => note(() => machine.start(start)),
        ...(machine.wake && { wake: (start) => note(async () => machine.wake?.(start)) }),
        disk: {
          harvest: (provider, paths) => note(() => disk.harvest(provider, paths)),
          inject: (provider, files) => note(() => disk.inject(provider, files)),
          remove: (provider, paths) => note(() => disk.remove(provider, paths)),
        },
      };
    },
  };
}
