/**
 * The server that the load kills: everything of it is real but the machines, which are kept in files. Started as
 * `node load-server.ts DIRECTORY DATABASE_URL VENDOR_URL PORT`; prints its address when it listens.
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createSallyport, Secret, systemClock } from '@sallyport/core';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import { createHttpServer } from '@sallyport/server';
import type { FakeAgent } from '@sallyport/testkit';
import { createFakeProvider } from '@sallyport/testkit';
import { pino } from 'pino';

import { openFileRollbackGuard } from '../../packages/server/src/data-directory/file-rollback-guard.ts';
import { createMetrics } from '../../packages/server/src/http/metrics.ts';
import { createPostgresStore } from '../../packages/server/src/stores/postgres-store.ts';
import { openKeptMachines } from './kept-machines.ts';
import { credentialFile, credentialPath } from './load-vendor.ts';
import type { VendorAnswer, VendorRequest } from './load-vendor.ts';

const [directory = '', databaseUrl = '', vendorUrl = '', port = '0'] = process.argv.slice(2);
/** No machine is stopped meanwhile. */
const IDLE_MS = 24 * 60 * 60_000;

const { fake, driver, fileOf } = await openKeptMachines(join(directory, 'machines'), 'fake');

async function askVendor(request: VendorRequest): Promise<string | undefined> {
  const response = await fetch(vendorUrl, { method: 'POST', body: JSON.stringify(request) });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program answers
  return ((await response.json()) as VendorAnswer).token;
}

function machineOf(agent: FakeAgent) {
  const machine = fake.machines.findLast((each) => each.running && each.agent === agent);
  if (!machine) throw new Error('The machine of this agent is gone.');
  return machine;
}

/** The vendor signs each user in at once. */
fake.script.startLogin = async ({ sessionId }, agent) => {
  const token = await askVendor({ action: 'sign-in' });
  const state = new URLSearchParams({
    response_type: 'code',
    redirect_uri: 'http://127.0.0.1:18123/callback',
    state: 's',
  });
  agent.emit({ type: 'login.url', sessionId, url: `https://login.fake.test/authorize?${state.toString()}` });
  agent.offer('fake', { auth: credentialFile(token ?? '') });
};

/** A CLI that asks its vendor, and on `refresh` gets a new token, which the old one is spent for. */
fake.script.execute = async function* ({ prompt }, agent) {
  const machine = machineOf(agent);
  const home = machine.home('fake');
  const { token = '' }: { token?: string } = JSON.parse(home.get(credentialPath)?.content ?? '{}');
  if ((await askVendor({ action: 'prompt', token, prompt })) === undefined) {
    yield { type: 'stdout', line: '{"type":"error","message":"not logged in"}' };
    yield { type: 'exit', code: 1, signal: null, reason: 'ended' };
    return;
  }
  if (prompt.endsWith('refresh')) {
    const next = await askVendor({ action: 'refresh', token, disk: fileOf(machine.plan.machineId) });
    const content = credentialFile(next ?? '');
    home.set(credentialPath, { path: credentialPath, content, mode: 0o600 });
    agent.offer('fake', { auth: content });
  }
  for (const text of ['one', 'two', 'three']) yield { type: 'stdout', line: JSON.stringify({ type: 'text', text }) };
  yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
};

/** The same after each restart. */
const masterKey = new Uint8Array(createHash('sha256').update('drill').digest());
const metrics = createMetrics(systemClock);
const log = pino({ level: 'warn' }, pino.destination(2));
const sallyport = createSallyport({
  providers: [createFakeProvider()],
  plugins: [...metrics.plugins],
  driver,
  store: createPostgresStore({ connection: { connectionString: databaseUrl, ssl: false } }),
  egress: { name: 'nowhere', open: async () => ({ socketPath: '/nowhere', close: async () => undefined }) },
  keyRing: createLocalKeyRing({ keys: { drill: new Secret(masterKey) }, current: 'drill' }),
  rollbackGuard: await openFileRollbackGuard(join(directory, 'witness')),
  connectAgent: fake.connectAgent,
  agent: { directory: '/nowhere', entry: 'main.js', nodeArgs: [], node: '/nowhere/node' },
  installCli: async () => '/nowhere/cli',
  callbackPorts: { acquire: async () => ({ occupied: [], release: async () => undefined }) },
  settings: { queue: { atOnce: 16, maxWaiting: 1_000, waitMs: 120_000 }, idleMs: IDLE_MS },
  onBackgroundError: (what, error) => log.warn({ err: error }, what),
});
metrics.watchHost(() => sallyport.machines.host());
const webDirectory = join(directory, 'web');
await mkdir(webDirectory, { recursive: true });
for (const page of ['index.html', 'viewer.html', 'page.js']) await writeFile(join(webDirectory, page), '');
const server = await createHttpServer({ sallyport, metrics, log, clock: systemClock, webDirectory });
await sallyport.start();
console.log(`listening on ${await server.listen({ host: '127.0.0.1', port: Number(port) })}`);
