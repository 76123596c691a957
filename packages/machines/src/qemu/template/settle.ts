import { readdir, readFile } from 'node:fs/promises';

import type { Clock } from '@sallyport/core';

const LOOK_EVERY_MS = 5_000;
/** Of one processor. An emulated machine that does nothing takes about a tenth. */
const CALM = 0.4;
const CALM_LOOKS = 2;
/** On a host that is never calm: what is left to do, each machine does after its wake. */
const MOST_LOOKS = 60;

/**
 * Waits until a process has little to do. Chromium takes commands long before it has started everything it starts by itself,
 * and whatever a template has left to do, each machine that goes on from it does again.
 */
export async function untilCalm(pid: number, clock: Clock, signal: AbortSignal): Promise<void> {
  let before = await wantedNs(pid);
  let calm = 0;
  for (let look = 0; look < MOST_LOOKS && calm < CALM_LOOKS; look += 1) {
    const began = clock.monotonic();
    await clock.sleep(LOOK_EVERY_MS, signal);
    const now = await wantedNs(pid);
    const share = (now - before) / 1e6 / (clock.monotonic() - began);
    calm = share < CALM ? calm + 1 : 0;
    before = now;
  }
}

/**
 * Processor time that its threads had or waited for, in nanoseconds: of a process that others leave no time, that is the
 * larger part. The first two fields of /proc/<pid>/task/<tid>/schedstat.
 */
async function wantedNs(pid: number): Promise<number> {
  const folder = `/proc/${pid}/task`;
  let sum = 0;
  for (const thread of await readdir(folder)) {
    // Threads come and go.
    const text = await readFile(`${folder}/${thread}/schedstat`, 'utf8').catch(() => '0 0');
    const [had = 0, waited = 0] = text.split(' ').map(Number);
    sum += had + waited;
  }
  return sum;
}
