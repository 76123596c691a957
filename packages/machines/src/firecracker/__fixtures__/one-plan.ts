import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { MachinePlan } from '@sallyport/core/driver';

/** The plan of the one machine of a directory, with an agent that nothing runs. */
export function onePlan(directory: string): MachinePlan {
  const agent = join(directory, 'agent');
  mkdirSync(agent, { recursive: true });
  writeFileSync(join(agent, 'main.js'), '');
  return {
    machineId: 'm-abcdefghij234567klmn',
    userId: 'test-user-001',
    role: 'cli',
    memoryMb: 128,
    vcpus: 1,
    diskMb: 64,
    labels: {},
    agent: { directory: agent, entry: 'main.js', nodeArgs: [], node: process.execPath },
    clis: [],
  };
}
