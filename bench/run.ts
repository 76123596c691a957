import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { judgeFinding } from './bench.ts';
import type { Bench, JudgedFinding } from './bench.ts';
import { clients } from './clients.ts';
import { credentialStored } from './credential-stored.ts';
import { disks } from './disks.ts';
import { firstEvent } from './first-event.ts';
import { idleMemory } from './idle-memory.ts';
import { lifecycle } from './lifecycle.ts';
import { loginPage } from './login-page.ts';
import { loginUrls } from './login-url.ts';
import { terminalThroughput } from './terminal-throughput.ts';
import { scale } from './scale.ts';
import { slowViewer } from './slow-viewer.ts';
import { stalls } from './stalls.ts';
import { FEWEST_SAMPLES } from './statistics.ts';
import { storeRoutes } from './store-routes.ts';
import { createWorld } from './support/world.ts';
import { formatTable } from './table.ts';
import { vmBoot } from './vm-boot.ts';
import { vmIdle } from './vm-idle.ts';
import { vmWake } from './vm-wake.ts';
import { vmWakes } from './vm-wakes.ts';
import { warmBrowser } from './warm-browser.ts';

/**
 * `npm run bench [-- NAME … --pairs N]`: measures the product against the bare thing, in turn. What a name stands for is that bench,
 * and those below it: `login-url` is `login-url/codex` and the others. Prints a table, writes `bench/out/report.json`, and ends with code 1 when a limit is exceeded. See docs/performance.md.
 */
const benches: readonly Bench[] = [
  idleMemory,
  firstEvent,
  ...loginUrls,
  credentialStored,
  loginPage,
  slowViewer,
  terminalThroughput,
  disks,
  lifecycle,
  warmBrowser,
  vmBoot,
  vmWake,
  vmIdle,
  vmWakes,
  storeRoutes,
  clients,
  scale,
  stalls,
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string', default: String(FEWEST_SAMPLES) } },
});
const pairs = Number(values.pairs);
const names = benches.map(({ name }) => name);
const isMeant = (asked: string, name: string): boolean => name === asked || name.startsWith(`${asked}/`);
const unknown = positionals.filter((asked) => !names.some((name) => isMeant(asked, name)));
if (unknown.length > 0 || !Number.isInteger(pairs) || pairs < 1) {
  console.error(
    unknown.length > 0
      ? `There is no bench ${unknown.join(', ')}. Benches: ${names.join(', ')}.`
      : `--pairs must be a whole number of at least 1; fewer than ${FEWEST_SAMPLES} cannot be judged.`,
  );
  process.exit(2);
}

const chosen = benches.filter(({ name, isLong = false }) =>
  positionals.length === 0 ? !isLong : positionals.some((asked) => isMeant(asked, name)),
);
const report: { bench: string; load: readonly number[]; seconds: number; findings: readonly JudgedFinding[] }[] = [];
const world = await createWorld();
let leftovers = new AsyncDisposableStack();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void giveUp(signal));
process.once('uncaughtException', (error) => void giveUp(error));
try {
  for (const bench of chosen) {
    const began = performance.now();
    leftovers = new AsyncDisposableStack();
    const findings = (await bench.run(world, pairs, leftovers)).map(judgeFinding);
    await leftovers.disposeAsync();
    const seconds = (performance.now() - began) / 1000;
    const load = loadavg();
    report.push({ bench: bench.name, load, seconds, findings });
    console.log(
      `\n${bench.name}   load ${load[0]?.toFixed(2)} on ${cpus().length} processors, ${seconds.toFixed(0)} s`,
    );
    console.log(formatTable(findings));
  }
} finally {
  await leftovers.disposeAsync();
  await world.close();
}

const out = join(import.meta.dirname, 'out');
await mkdir(out, { recursive: true });
const host = { node: process.version, processors: cpus().map(({ model }) => model), platform: process.platform };
await writeFile(join(out, 'report.json'), `${JSON.stringify({ host, pairs, benches: report }, undefined, 2)}\n`);

const verdicts = report.flatMap(({ findings }) => findings.map(({ verdict }) => verdict));
const count = (verdict: string): number => verdicts.filter((each) => each === verdict).length;
console.log(
  `\n${count('holds')} limits hold, ${count('EXCEEDED')} exceeded, ${count('NOISY')} too noisy to tell. bench/out/report.json has every sample.`,
);
process.exitCode = count('EXCEEDED') > 0 ? 1 : 0;

/** Nothing that was started may outlive the bench. */
async function giveUp(why: unknown): Promise<void> {
  console.error(why);
  await leftovers.disposeAsync();
  await world.close();
  process.exit(1);
}
