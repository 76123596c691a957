import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { createSallyport, Secret } from '@sallyport/core';
import { createLedger, screenExcerpt } from '@sallyport/core/engine';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import { createMemoryStore } from '@sallyport/core/store';
import type { Clock, FakeVendorModule, RunningFakeVendor, Sallyport } from '@sallyport/core';
import type { Ledger } from '@sallyport/core/engine';
import type { AgentClient } from '@sallyport/core/protocol';
import type { Provider } from '@sallyport/core/provider';
import { connectAgent, createCallbackPorts, createCliInstaller, createProcessDriver } from '@sallyport/machines';

import { observeAgents } from './observed-agent.ts';

export interface VerificationOptions {
  readonly provider: Provider;
  readonly fakeVendors: FakeVendorModule;
  /** Everything lies below it. The caller removes it. */
  readonly directory: string;
  /** Where CLIs are installed. */
  readonly clisDirectory: string;
  readonly clock: Clock;
  readonly onProgress: (message: string) => void;
}

/** The whole application on machines of this host, with a fake vendor in place of the internet. It keeps nothing. */
export interface Verification {
  readonly app: Sallyport;
  readonly provider: Provider;
  readonly vendor: RunningFakeVendor;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Puts the CLI on this host. */
  install(signal: AbortSignal): Promise<void>;
  /** The last screen of a login that has failed, or has ended in words that no rule knows. Without secrets. */
  screenOf(sessionId: string): string | undefined;
  /** The agent of a machine that runs. */
  agentOf(machineId: string): AgentClient | undefined;
  close(): Promise<void>;
}

export async function openVerification(options: VerificationOptions): Promise<Verification> {
  const { provider, clock, directory } = options;
  const screens = new Map<string, string>();
  const agents = new Map<string, AgentClient>();
  const bundle = agentBundle();
  const driver = await createProcessDriver({
    dataDirectory: directory,
    clock,
  });
  const installer = createCliInstaller({ directory: options.clisDirectory });
  const install = (signal: AbortSignal): Promise<string> =>
    installer.ensure(provider.manifest.cli, provider.manifest.id, { signal, onProgress: options.onProgress });
  const store = createMemoryStore({ clock });
  const keyRing = createLocalKeyRing({ keys: { once: new Secret(new Uint8Array(randomBytes(32))) }, current: 'once' });
  const vendor = await options.fakeVendors.open({
    provider: provider.manifest.id,
    directory: join(directory, 'internet'),
    clock,
  });
  const app = createSallyport({
    providers: [provider],
    driver,
    store,
    keyRing,
    egress: vendor.egress,
    connectAgent: observeAgents(connectAgent, {
      clock,
      onAgent: (machineId, agent) => agents.set(machineId, agent),
      onEnd: (sessionId, screen) => {
        if (screen !== undefined) screens.set(sessionId, screenWithoutSecrets(screen));
      },
    }),
    agent: bundle,
    installCli: (_manifest, asked) => install(asked.signal),
    // The user's answer goes to the machine directly; only where machines share the host's ports can they collide.
    callbackPorts:
      driver.features.loopback === 'shared'
        ? createCallbackPorts()
        : { acquire: async () => ({ occupied: [], release: async () => undefined }) },
    clock,
    onBackgroundError: (what, error) =>
      options.onProgress(`${what}: ${error instanceof Error ? error.message : String(error)}`),
  });
  await app.start();
  return {
    app,
    provider,
    vendor,
    ledger: createLedger({ store, keyRing, registry: app.providers }),
    clock,
    install: async (signal) => void (await install(signal)),
    screenOf: (sessionId) => screens.get(sessionId),
    agentOf: (machineId) => agents.get(machineId),
    close: async () => {
      await app.close();
      await vendor.close();
    },
  };
}

const SHOWN_LINES = 40;

function screenWithoutSecrets(screen: string): string {
  return screenExcerpt({ lines: screen.split('\n'), links: [] }, SHOWN_LINES);
}
