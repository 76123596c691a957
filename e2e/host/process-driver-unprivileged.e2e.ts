import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { connectAgent, createProcessDriver } from '@sallyport/machines';
import { describeDriver } from '@sallyport/testkit';
import type { DriverUnderTest } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { createWorkbench } from '../../packages/machines/src/process/__fixtures__/machines.ts';
import { chooseIsolation } from '../../packages/machines/src/process/isolation.ts';
import { reachable } from '../../test/setup/reachable.ts';

/** Any number that no user of the host has. */
const ORDINARY_USER = 190_001;

const agent = reachable(join(import.meta.dirname, '../../packages/agent/dist/agent'));

// This file runs in its own process and has loaded its imports, so a root shell can drop to an ordinary user here.
if (process.geteuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(ORDINARY_USER);
  process.setuid?.(ORDINARY_USER);
}

const works = (await chooseIsolation('auto')).sandboxesClis;

describe.runIf(works)('a server that is an ordinary user', () => {
  async function create(): Promise<DriverUnderTest> {
    const bench = await createWorkbench();
    const dataDirectory = join(bench.directory, 'data');
    const open = () => createProcessDriver({ dataDirectory, clock: systemClock, isolation: 'bubblewrap' });
    return {
      driver: await open(),
      plan: (role) => bench.plan({ role }),
      egress: bench.egress,
      clis: {
        directory: bench.directory,
        agent,
        connectAgent,
        homesApart: true,
      },
      restart: open,
      cleanUp: () => bench.cleanUp(),
    };
  }
  it('is none that could do anything for its machines as root', () => {
    expect(process.geteuid?.()).not.toBe(0);
    expect(() => process.setuid?.(0)).toThrow();
  });
  describeDriver('process, as an ordinary user', create, { describe, it, expect });
});
