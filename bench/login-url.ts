import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { AgentClient } from '@sallyport/core/protocol';
import type { LoginMethod, ProviderManifest } from '@sallyport/core/provider';
import { agentBundle } from '@sallyport/agent';
import { connectAgent, createProcessDriver } from '@sallyport/machines';
import { manifest as claude } from '@sallyport/provider-claude';
import { manifest as codex } from '@sallyport/provider-codex';
import { manifest as gemini } from '@sallyport/provider-gemini';

import { lockCallbackPort } from '../e2e/support/callback-port.ts';
import { ensureCli } from '../e2e/support/ensure-cli.ts';
import type { InstalledCli } from '../e2e/support/ensure-cli.ts';
import { alternate, differences } from './bench.ts';
import type { Bench } from './bench.ts';
import { createDirectLogins } from './support/direct-login.ts';
import type { World } from './support/world.ts';

const LIMIT_MS = 100;

/** A provider's CLI, and the first of its login methods. */
interface Login extends InstalledCli {
  readonly manifest: ProviderManifest;
  readonly method: LoginMethod;
}

/**
 * From `POST /auth/PROVIDER` to its answer with the link, against the CLI alone until it has printed or opened the link. One bench
 * for each provider: their CLIs take from a tenth of a second to three, and the slow one wants more pairs.
 */
export const loginUrls: readonly Bench[] = [codex, claude, gemini].map((manifest) => ({
  name: `login-url/${manifest.id}`,
  run: async (world, count) => {
    const [method] = manifest.logins;
    if (!method) throw new Error(`${manifest.title} has no login.`);
    const login: Login = { manifest, method, ...(await ensureCli(manifest)) };
    // Without bubblewrap the machine shares the host's ports, and the two are never run at the same time anyway.
    const unlock = await lockCallbackPort(AbortSignal.timeout(120_000));
    const direct = await createDirectLogins(world.folder, world.surroundings);
    const machine = await startMachine(world, login);
    try {
      const pairs = await alternate(count, {
        ours: () => askAgent(machine.agent, login),
        bare: () => direct.untilLink(manifest, method, login.program),
      });
      const title = `sign-in link known, ${manifest.title}`;
      return [{ title, kind: 'difference', unit: 'ms', samples: differences(pairs), pairs, limit: LIMIT_MS }];
    } finally {
      await machine.end();
      direct.close();
      await unlock();
    }
  },
}));

async function startMachine(
  world: World,
  { manifest, directory }: Login,
): Promise<{ agent: AgentClient; end(): Promise<void> }> {
  const bundle = agentBundle();
  const driver = await createProcessDriver({
    dataDirectory: join(world.folder, 'driver'),
    clock: systemClock,
  });
  const signal = AbortSignal.timeout(60_000);
  const machine = await driver.create(
    {
      machineId: 'm-bench-login',
      userId: 'bench',
      role: 'browser',
      memoryMb: 1024,
      vcpus: 1,
      diskMb: 100,
      labels: {},
      agent: bundle,
      clis: [{ provider: manifest.id, directory }],
    },
    { signal },
  );
  const token = new Secret(randomUUID() + randomUUID());
  await machine.start({ epoch: 1, token, egress: world.route, signal });
  const agent = connectAgent(machine, token);
  while (!(await agent.health(signal).catch(() => undefined))) await systemClock.sleep(20, signal);
  return { agent, end: () => machine.destroy() };
}

async function askAgent(agent: AgentClient, { manifest, method }: Login): Promise<number> {
  const { id, cli, credentials } = manifest;
  const sessionId = randomUUID();
  const began = performance.now();
  const { oauthUrl } = await agent.startLogin(id, { sessionId, method, cli, credentials }, AbortSignal.timeout(60_000));
  const took = performance.now() - began;
  if (oauthUrl === null) throw new Error('The agent answered without a link.');
  await agent.cancelLogin(id, { sessionId });
  return took;
}
