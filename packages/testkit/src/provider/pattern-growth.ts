/** A backtracking engine explodes as the text gets longer; a linear one needs 32 times as long for 32 times as much. */
const SHORT = 1024;
const TIMES = 32;
/** RE2 takes another, slower algorithm for long texts. Quadratic work would grow by 1,024. */
const MOST_GROWTH = 10 * TIMES;
const TRIES = 3;
/** Below this, the clock of the processor is too coarse to compare. */
const SHORTEST_MEASUREMENT_MS = 1;

/**
 * Whether matching gets out of proportion as the text gets longer. Judged by growth, not by how long it takes: a
 * busy host is slow with both texts. Processor time of this process alone, and the best of several tries.
 */
export function growsTooFast(match: (text: string) => unknown, unit: string): boolean {
  const [short, long] = [SHORT, SHORT * TIMES].map((length) => unit.repeat(Math.ceil(length / unit.length)));
  let [least, most] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    least = Math.min(least, spentOn(match, short ?? ''));
    most = Math.min(most, spentOn(match, long ?? ''));
    if (most <= least * MOST_GROWTH) return false;
  }
  return true;
}

/** Milliseconds for one match, measured over as many as it takes to measure anything. */
function spentOn(match: (text: string) => unknown, text: string): number {
  for (let rounds = 1; ; rounds *= 4) {
    const started = process.cpuUsage();
    for (let round = 0; round < rounds; round += 1) match(text);
    const { user, system } = process.cpuUsage(started);
    const spent = (user + system) / 1000;
    if (spent >= SHORTEST_MEASUREMENT_MS || rounds > 10_000) return spent / rounds;
  }
}
