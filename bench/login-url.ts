import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { AgentClient } from '@sallyport/core';
import { agentBundle } from '@sallyport/agent';
import { connectAgent, createProcessDriver } from '@sallyport/machines';
import { manifest } from '@sallyport/provider-codex';

import { lockCallbackPort } from '../test/setup/callback-port.ts';
import { alternate, differences } from './bench.ts';
import type { Bench } from './bench.ts';
import { endDirect, printedLink } from './support/direct-codex.ts';
import type { DirectCodex } from './support/direct-codex.ts';
import type { World } from './support/world.ts';

const LIMIT_MS = 100;

/** From `POST /auth/codex` to its answer with the link, against `codex login` until it has printed the link. */
export const loginUrl: Bench = {
  name: 'login-url',
  run: async (world, count) => {
    // Without bubblewrap the machine shares the host's ports, and the two are never run at the same time anyway.
    const unlock = await lockCallbackPort(AbortSignal.timeout(120_000));
    const machine = await startMachine(world);
    try {
      const pairs = await alternate(count, { ours: () => askAgent(machine.agent), bare: () => directly(world.codex) });
      const title = 'sign-in link known';
      return [{ title, kind: 'difference', unit: 'ms', samples: differences(pairs), pairs, limit: LIMIT_MS }];
    } finally {
      await machine.end();
      await unlock();
    }
  },
};

async function startMachine(world: World): Promise<{ agent: AgentClient; end(): Promise<void> }> {
  const bundle = agentBundle();
  const [method] = manifest.logins;
  const bin = manifest.cli.bin[`${process.platform}-${process.arch}`] ?? '';
  const driver = await createProcessDriver({
    dataDirectory: join(world.folder, 'driver'),
    clock: systemClock,
    programs: [bundle.directory, bundle.node],
  });
  const signal = AbortSignal.timeout(60_000);
  const machine = await driver.create(
    {
      machineId: 'm-bench-login',
      userId: 'bench',
      role: 'browser',
      memoryMb: 512,
      vcpus: 1,
      diskMb: 100,
      labels: {},
      agent: bundle,
      clis: [{ provider: 'codex', directory: world.codex.executable.slice(0, -bin.length) }],
    },
    { signal },
  );
  const token = new Secret(randomUUID() + randomUUID());
  await machine.start({ epoch: 1, token, egress: world.route, signal });
  const agent = connectAgent(machine, token);
  while (!(await agent.health(signal).catch(() => undefined))) await systemClock.sleep(20, signal);
  if (!method) throw new Error('The manifest has no login.');
  return { agent, end: () => machine.destroy() };
}

async function askAgent(agent: AgentClient): Promise<number> {
  const [method] = manifest.logins;
  if (!method) throw new Error('The manifest has no login.');
  const sessionId = randomUUID();
  const began = performance.now();
  const { oauthUrl } = await agent.startLogin(
    'codex',
    { sessionId, method, cli: manifest.cli, credentials: manifest.credentials },
    AbortSignal.timeout(30_000),
  );
  const took = performance.now() - began;
  if (oauthUrl === null) throw new Error('The agent answered without a link.');
  await agent.cancelLogin('codex', { sessionId });
  return took;
}

async function directly(codex: DirectCodex): Promise<number> {
  const home = await codex.makeHome();
  const began = performance.now();
  const run = codex.start(home, ['login']);
  await printedLink(run);
  const took = performance.now() - began;
  await endDirect(run);
  return took;
}
