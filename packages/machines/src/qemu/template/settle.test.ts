import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { untilCalm } from './settle.ts';

const { signal } = new AbortController();

/** A clock whose sleeps take no time, in which something else may happen. */
function clockThat(meanwhile: () => void, advanceMs: number): { readonly clock: Clock; readonly looks: () => number } {
  let [now, looks] = [0, 0];
  const sleep = async (): Promise<void> => {
    looks += 1;
    now += advanceMs;
    meanwhile();
  };
  return { clock: { ...systemClock, monotonic: () => now, sleep }, looks: () => looks };
}

function useProcessor(ms: number): void {
  const { user } = process.cpuUsage();
  while (process.cpuUsage().user - user < ms * 1000);
}

describe('a machine that becomes a template', () => {
  it('is calm when it has wanted little of a processor twice in a row', async () => {
    const { clock, looks } = clockThat(() => {}, 5_000);
    await untilCalm(process.pid, clock, signal);
    expect(looks()).toBe(2);
  });

  it('is waited for while it wants more, and not for ever', async () => {
    const { clock, looks } = clockThat(() => useProcessor(5), 5);
    await untilCalm(process.pid, clock, signal);
    expect(looks()).toBe(60);
  });
});
