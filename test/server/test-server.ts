import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { createSallyport, resolveUserId, Secret, systemClock } from '@sallyport/core';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import { machineListSchema } from '@sallyport/core/protocol';
import { createMemoryStore } from '@sallyport/core/store';
import type { Clock, Sallyport, Settings } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';
import { createHttpServer } from '@sallyport/server';
import { createFakeProvider } from '@sallyport/testkit';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';

import type { Authentication } from '../../packages/server/src/auth/identify.ts';
import type { PublicAddress } from '../../packages/server/src/auth/public-address.ts';
import type { TrustedProxies } from '../../packages/server/src/auth/trusted-proxies.ts';
import type { ConnectLinkSettings } from '../../packages/server/src/connect-links/settings.ts';
import { createMetrics } from '../../packages/server/src/http/metrics.ts';
import { createFakeMachines } from './fake-machines.ts';
import type { FakeMachines } from './fake-machines.ts';

export interface TestServer extends FakeMachines {
  readonly app: FastifyInstance;
  readonly sallyport: Sallyport;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly url: string;
  /** Each route as `METHOD /path`, as fastify knows them. */
  readonly routes: readonly string[];
  request(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown): Promise<Response>;
  /** Ids of a user's machines. */
  machineIds(userId: string): Promise<readonly string[]>;
  /** Stores a login of this user, as an import would. */
  connect(userId?: string): Promise<void>;
  /** Ends the server and returns all it has logged. */
  close(): Promise<string>;
}

export interface TestServerOptions {
  /** Wraps the store, for instance to take it away. */
  readonly store?: (store: Store) => Store;
  readonly settings?: Partial<Settings>;
  /** Of the HTTP server. */
  readonly clock?: Clock;
  readonly connectionsPerAddress?: number;
  readonly connections?: number;
  readonly failuresPerMinute?: number;
  readonly streams?: { readonly perUser: number; readonly inAll: number };
  /** Who is asked how, by the server's own store. Default: nobody. */
  readonly authentication?: (store: Store) => Authentication;
  readonly address?: PublicAddress;
  readonly trustedProxies?: TrustedProxies;
  readonly connectLinks?: ConnectLinkSettings;
  /** Finds the CLIs for prewarmed machines. Default: no machine is prewarmed. */
  readonly findCli?: () => Promise<string>;
}

/** A real server on its own port, with everything behind it in memory. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const machines = createFakeMachines();
  const metrics = createMetrics(systemClock);
  const logged = new PassThrough();
  const log = pino({ level: 'trace' }, logged);
  const wholeLog = text(logged);
  const memory = createMemoryStore({ clock: systemClock });
  const sallyport = createSallyport({
    providers: [createFakeProvider()],
    plugins: [...metrics.plugins],
    driver: machines.driver,
    store: options.store?.(memory) ?? memory,
    egress: {
      name: 'nowhere',
      open: async () => nowhere,
      ...(options.findCli && { reserve: async () => ({ ...nowhere, assign: async () => nowhere }) }),
    },
    ...(options.findCli && { findCli: options.findCli }),
    keyRing: createLocalKeyRing({ keys: { test: new Secret(new Uint8Array(randomBytes(32))) }, current: 'test' }),
    connectAgent: machines.connectAgent,
    agent: { directory: '/nowhere', entry: 'main.js', nodeArgs: [], node: '/nowhere/node' },
    installCli: async () => '/nowhere/cli',
    callbackPorts: { acquire: async () => ({ occupied: [], release: async () => undefined }) },
    onBackgroundError: (what, error) => log.warn({ err: error }, what),
    ...(options.settings && { settings: options.settings }),
  });
  metrics.watchHost(() => sallyport.machines.host());
  const webDirectory = await makePage();
  const app = await createHttpServer({
    sallyport,
    metrics,
    log,
    clock: options.clock ?? systemClock,
    webDirectory,
    ...(options.streams && { streams: options.streams }),
    ...(options.address && { address: options.address }),
    authentication: options.authentication?.(memory),
    trustedProxies: options.trustedProxies,
    connectLinks: options.connectLinks,
    ...(options.connectionsPerAddress !== undefined && { connectionsPerAddress: options.connectionsPerAddress }),
    ...(options.failuresPerMinute !== undefined && { failuresPerMinute: options.failuresPerMinute }),
    ...(options.connections !== undefined && { connections: options.connections }),
  });
  await sallyport.start();
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const request = (path: string, init?: RequestInit): Promise<Response> => fetch(url + path, init);
  return {
    ...machines,
    app,
    sallyport,
    url,
    host: new URL(url).host,
    routes: listRoutes(app),
    request,
    post: (path, body) =>
      request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    machineIds: async (userId) => {
      const rows = machineListSchema.parse(await (await request(`/api/vms?userId=${userId}`)).json());
      return rows.map(({ vmId }) => vmId);
    },
    connect: async (userId = 'local') => {
      const files = { auth: JSON.stringify({ token: 'secret-token', account: 'ada@example.org', issuedAt: 1 }) };
      await sallyport.credentials.import({ ...resolveUserId(userId), provider: 'fake', files });
    },
    close: async () => {
      await sallyport.close();
      await app.close();
      await rm(webDirectory, { recursive: true, force: true });
      logged.end();
      return wholeLog;
    },
  };
}

const nowhere = { socketPath: '/nowhere', close: async () => undefined };

async function makePage(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-page-'));
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>Sallyport</title>');
  await writeFile(join(directory, 'viewer.html'), '<!doctype html><title>Viewer</title>');
  await writeFile(join(directory, 'connect.html'), '<!doctype html><title>Connect</title>');
  await writeFile(join(directory, 'page.js'), 'export {};');
  return directory;
}

/** From the router's own listing, for instance `├── /api (GET, HEAD)`. */
function listRoutes(app: FastifyInstance): readonly string[] {
  const path: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', name = '', methods] = /^([│├└─\s]*)(\S*)(?: \((.*)\))?$/.exec(line) ?? [];
      if (name === '') return [];
      path.splice(indent.length / 4 - 1);
      path.push(name);
      return (methods?.split(', ') ?? []).map((method) => `${method} ${path.join('')}`);
    });
}
