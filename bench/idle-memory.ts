import { setTimeout as sleep } from 'node:timers/promises';

import type { Bench } from './bench.ts';
import { descendants, listProcesses, proportionalMb, residentMb } from './support/processes.ts';

const SETTLE_MS = 3_000;
const BETWEEN_MS = 200;

/** Memory of the server and of one machine's agent, with a user connected and nothing under way. */
export const idleMemory: Bench = {
  name: 'idle-memory',
  run: async (world, count) => {
    await world.connected();
    const server = (await world.server()).process.pid ?? 0;
    await sleep(SETTLE_MS);
    const below = descendants(await listProcesses(), server);
    const agent = below.find(({ command }) => /^\S*node\b.*\/main\.js/.test(command));
    if (!agent) throw new Error('The machine has no agent.');
    const database = below.filter(({ command }) => command.includes('postgres'));
    const samples = { server: [] as number[], agent: [] as number[], database: [] as number[] };
    for (let round = 0; round < count; round += 1) {
      samples.server.push(await residentMb(server));
      samples.agent.push(await residentMb(agent.pid));
      const parts = await Promise.all(database.map(({ pid }) => proportionalMb(pid).catch(() => 0)));
      samples.database.push(parts.reduce((sum, part) => sum + part, 0));
      await sleep(BETWEEN_MS);
    }
    return [
      { title: 'server, idle (RSS)', kind: 'value', unit: 'MB', samples: samples.server },
      { title: 'agent, idle (RSS)', kind: 'value', unit: 'MB', samples: samples.agent },
      {
        title: 'embedded PostgreSQL, idle (PSS of all its processes)',
        kind: 'value',
        unit: 'MB',
        samples: samples.database,
      },
    ];
  },
};
