import { join } from 'node:path';

import { connectAgent, createFirecrackerDriver } from '@sallyport/machines';
import { describeDriver } from '@sallyport/testkit';
import type { DriverUnderTest } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { prepareFakeHost } from '../../packages/machines/src/firecracker/__fixtures__/fake-host.ts';
import { createWorkbench } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { chooseIsolation } from '../../packages/machines/src/process/isolation.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';

/** `npm test` builds it. */
const agent = join(import.meta.dirname, '../../packages/agent/dist/agent');
const isRoot = process.geteuid?.() === 0;
const hasBubblewrap = (await chooseIsolation('auto')).bubblewrap !== undefined;
const lacking = !isRoot
  ? ' (needs root, as the jailer does)'
  : hasBubblewrap
    ? ''
    : ' (needs bubblewrap for its guests)';

async function create(): Promise<DriverUnderTest> {
  const bench = await createWorkbench();
  const host = await prepareFakeHost({ directory: bench.directory });
  const open = () => createFirecrackerDriver(host);
  return {
    driver: await open(),
    plan: (role) =>
      bench.plan({
        role,
        diskMb: 64,
        agent: { directory: agent, entry: 'main.js', nodeArgs: [], node: process.execPath },
      }),
    egress: bench.egress,
    clis: {
      directory: bench.directory,
      agent,
      connectAgent,
      homesApart: 'the stand-in for a guest has no sandbox within its own; real guests have, and QEMU shows it',
    },
    restart: open,
    cleanUp: () => bench.cleanUp(),
  };
}

describe.skipIf(lacking !== '')(`on a host with a fake Firecracker${lacking}`, () => {
  describeDriver('firecracker', create, { describe, it, expect }, { hibernates: true, timeoutMs: HANG_LIMIT_MS });
});
