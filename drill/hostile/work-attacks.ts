import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { Secret } from '@sallyport/core';
import type { Provider } from '@sallyport/core/provider';
import { connectAgent } from '@sallyport/machines';

import { createCliWorld } from '../../e2e/support/cli-world.ts';
import { createHostileWork } from '../../e2e/support/hostile-work.ts';
import { workDefences } from '../../e2e/support/work-defences.ts';
import type { WorkDefence } from '../../e2e/support/work-defences.ts';
import { token } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { runProbe, writeProbeCli } from '../../packages/testkit/src/driver-suite/probe-cli.ts';
import { loadSettings, plantSettings, workSettings } from '../../packages/testkit/src/driver-suite/work-settings.ts';
import type { Attack } from './attack.ts';
import { HANG_LIMIT_MS, withMachine } from './with-machine.ts';

/** In a machine, a program of one CLI writes the settings of the others to `~/work`. Returns those that the next prompt would load. */
async function leaveSettings(directory: string, isHidden: boolean): Promise<string | undefined> {
  const signal = AbortSignal.timeout(HANG_LIMIT_MS);
  const bundle = agentBundle();
  const agent = { directory: bundle.directory, entry: 'main.js', nodeArgs: [], node: bundle.node };
  const clis = await Promise.all(['attacker', 'victim'].map((provider) => writeProbeCli(directory, provider)));
  return withMachine({ isolation: 'bubblewrap', plan: { agent, clis } }, async (machine) => {
    const inside = connectAgent(machine, new Secret(token));
    const loaded: string[] = [];
    for (const { hidden, files } of workSettings) {
      await runProbe(inside, { provider: 'attacker', signal }, plantSettings, files);
      const victim = { provider: 'victim', signal, ...(isHidden && { hiddenInWork: hidden }) };
      loaded.push(...(await runProbe(inside, victim, loadSettings, files)));
    }
    const names = [...new Set(loaded.map((path) => path.replace(/^~\/work\//, '')))];
    return names.length === 0 ? undefined : names.join(', ');
  });
}

/** A real CLI answers a prompt in a `~/work` full of such settings. Returns what ran, and where its credential went. */
async function promptIn({ create }: WorkDefence, providerOf: (work: string) => Provider): Promise<string | undefined> {
  const home = await mkdtemp(join(tmpdir(), 'sp-drill-'));
  try {
    await using work = await createHostileWork([join(home, 'work')]);
    const vendor = create({ wordDelayMs: 0 });
    const boot = { home, bubblewrap: '/usr/bin/bwrap' };
    const provider = providerOf(join(home, 'work'));
    await using world = await createCliWorld({ provider, vendors: { vendor }, boot });
    const values = { api_key: vendor.state().apiKey };
    const { end } = await world.prompt('hi', { tools: 'read-only', values, env: { IS_SANDBOX: '1' } });
    if (end?.type !== 'prompt-end') throw new Error(`The prompt did not end: ${JSON.stringify(end)}`);
    const marks = await work.marks();
    return marks.length === 0 ? undefined : marks.join(', ');
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Attacks through `~/work`, which all CLIs of a machine share. `scratch` makes directories that every user can enter. */
export function listWorkAttacks(scratch: () => string): readonly Attack[] {
  return [
    {
      title: 'as a program of one CLI, leave settings in ~/work that the next prompt loads',
      defended: () => leaveSettings(scratch(), true),
      undefended: () => leaveSettings(scratch(), false),
    },
    ...workDefences.map((defence): Attack => ({
      title: `run programs in the next prompt of ${defence.provider.manifest.title} by settings in ~/work`,
      defended: () => promptIn(defence, () => defence.provider),
      undefended: () => promptIn(defence, defence.unprotected),
    })),
  ];
}
