import { chmod, mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { EgressRoute } from '@sallyport/core/egress';
import { manifest as claude } from '@sallyport/provider-claude';
import { manifest } from '@sallyport/provider-codex';
import { manifest as gemini } from '@sallyport/provider-gemini';
import {
  createFakeAnthropic,
  createFakeGoogle,
  createFakeInternet,
  createFakeOpenai,
} from '@sallyport/testkit/vendors';
import type { FakeOpenai } from '@sallyport/testkit/vendors';

import { makeDataDirectory, removeDataDirectory, startDemoServer } from '../../e2e/support/server.ts';
import type { DemoServer } from '../../e2e/support/server.ts';
import { startEgressForwarder } from '../../packages/agent/src/cli/egress-forwarder.ts';
import type { CliSurroundings } from '../../packages/agent/src/cli/cli-environment.ts';
import { writeTrustFiles } from '../../packages/agent/src/cli/trust.ts';
import { ensureCli } from '../../e2e/support/ensure-cli.ts';
import { createDirectCodex, logIn } from './direct-codex.ts';
import type { DirectCodex } from './direct-codex.ts';

/** What the benches share: one fake internet, the real CLI, and one server on both. */
export interface World {
  /** Temporary, removed at the end. */
  readonly folder: string;
  readonly vendor: FakeOpenai;
  /** The way to the vendor, for machines and for programs that run directly. */
  readonly route: EgressRoute;
  /** The same way as a loopback port. */
  readonly proxyPort: number;
  readonly codex: DirectCodex;
  /** What a CLI that runs directly is started with. */
  readonly surroundings: CliSurroundings;
  /** The server under measurement, started when it is first asked for. */
  server(): Promise<DemoServer>;
  /** A user of that server who is connected, and whose CLI machine runs. Without a name, the one that the benches share. */
  connected(userId?: string): Promise<{ readonly origin: string; readonly userId: string; readonly authJson: string }>;
  close(): Promise<void>;
}

const USER = 'bench';

export async function createWorld(): Promise<World> {
  const { program: executable } = await ensureCli(manifest);
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-bench-')));
  await chmod(folder, 0o711);
  const vendor = createFakeOpenai();
  const dataDirectory = await makeDataDirectory();
  const internetDirectory = join(folder, 'internet');
  const controls = { openai: vendor.control };
  const internet = await createFakeInternet({
    directory: internetDirectory,
    sites: { ...vendor.sites, ...createFakeAnthropic().sites, ...createFakeGoogle().sites },
    controls,
  });
  // Machines of other users must reach the route's socket.
  await chmod(internetDirectory, 0o711);
  const hosts = [manifest, claude, gemini].flatMap(({ egress }) => [...egress.cli, ...egress.signIn]);
  const route = await internet.open(
    { machineId: 'm-bench', userId: USER, purpose: 'work', hosts, identity: { userId: USER } },
    { signal: AbortSignal.timeout(10_000) },
  );
  const forwarder = await startEgressForwarder({ socket: route.socketPath });
  await mkdir(join(folder, 'tmp'));
  const trust = await writeTrustFiles(folder, route.certificateAuthority);
  const surroundings = { runtime: folder, proxyPort: forwarder.port, trust };
  const codex = createDirectCodex({ executable, folder, surroundings });

  const startServer = once(() =>
    startDemoServer({
      dataDirectory,
      internetDirectory,
      config: 'bench/support/server.config.ts',
      environment: { LOG_LEVEL: 'info', SALLYPORT_BENCH_FOLDER: folder, SALLYPORT_BENCH_ROUTE: route.socketPath },
    }),
  );
  const connect = async (userId: string) => {
    const { origin } = await startServer();
    const authJson = await logIn(codex, vendor, route);
    await post(`${origin}/api/credentials/codex`, { userId, files: { auth: authJson } });
    await post(`${origin}/api/vm/cli/prompt`, { userId, provider: 'codex', prompt: 'Hello.' });
    return { origin, userId, authJson };
  };
  const connectShared = once(() => connect(USER));

  return {
    folder,
    vendor,
    route,
    proxyPort: forwarder.port,
    codex,
    surroundings,
    server: startServer,
    connected: (userId) => (userId === undefined ? connectShared() : connect(userId)),
    close: async () => {
      if (startServer.started()) {
        const server = await startServer();
        await server.stop();
      }
      await forwarder.close();
      await internet.close();
      await removeDataDirectory(dataDirectory);
      await removeDataDirectory(folder);
    },
  };
}

/** Sends JSON and waits for the whole answer. */
async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok || text.includes('"outcome":"failed"'))
    throw new Error(`${url} answered ${response.status}: ${text}`);
}

function once<T>(make: () => Promise<T>): (() => Promise<T>) & { started(): boolean } {
  let made: Promise<T> | undefined;
  return Object.assign(() => (made ??= make()), { started: () => made !== undefined });
}
