import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { AgentClient } from '@sallyport/core/protocol';
import { connectAgent, createProcessDriver } from '@sallyport/machines';
import { expect, it } from 'vitest';

import { createWorkbench, token } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { agentBundle } from '@sallyport/agent';
import { runProbe, writeProbeCli } from '../../packages/testkit/src/driver-suite/probe-cli.ts';
import { watchUser } from '../../packages/testkit/src/driver-suite/watch-user.ts';
import type { WatchReport } from '../../packages/testkit/src/driver-suite/watch-user.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';

/** Runs a hostile login CLI in a browser machine with a desktop. */
async function watchFrom(isolation: 'bubblewrap' | 'none'): Promise<WatchReport> {
  const bench = await createWorkbench();
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  const { directory, node } = agentBundle();
  const driver = await createProcessDriver({
    dataDirectory: join(bench.directory, 'data'),
    clock: systemClock,
    isolation,
  });
  const plan = bench.plan({
    role: 'browser',
    memoryMb: 1536,
    desktop: { width: 800, height: 600 },
    agent: { directory, entry: 'main.js', nodeArgs: [], node },
    clis: [await writeProbeCli(bench.directory, 'spy')],
  });
  const machine = await driver.create(plan, { signal });
  try {
    await machine.start(bench.startOptions({ signal }));
    const agent = connectAgent(machine, new Secret(token));
    await desktopReady(agent, signal);
    return await runProbe(agent, { provider: 'spy', signal }, watchUser, null);
  } finally {
    await machine.destroy();
    await bench.cleanUp();
  }
}

async function desktopReady(agent: AgentClient, signal: AbortSignal): Promise<void> {
  for await (const event of agent.events(signal)) {
    if (event.type === 'desktop.failed') throw new Error(event.message);
    if (event.type === 'desktop.ready') return;
  }
}

it('a login CLI sees neither the screen, its cookie, the VNC socket, the browser nor the agent', async () => {
  expect(await watchFrom('bubblewrap')).toEqual({ found: [], processes: [], displays: [] });
});

it('the same program finds all of them where nothing keeps it away', async () => {
  const { found, processes } = await watchFrom('none');
  const names = found.map((path) => path.split('/').at(-1));
  expect(names).toEqual(expect.arrayContaining(['vnc.sock', 'xauthority', 'profile', 'agent.sock', 'Cookies']));
  expect(names.some((name) => /^X\d+$/.test(name ?? ''))).toBe(true);
  for (const program of ['Xtigervnc', 'chromium', 'main.js']) {
    expect(
      processes.some((line) => line.includes(program)),
      program,
    ).toBe(true);
  }
});
