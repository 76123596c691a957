import { setImmediate } from 'node:timers/promises';

import type { Clock } from '@sallyport/core';
import type { ScreenView } from '@sallyport/core/engine';
import { systemClock } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { createTerminalWatch } from './terminal-watch.ts';

/** A clock that stands still unless it is told otherwise; looking takes time on it. */
function createWorld(lookMs: number) {
  let now = 0;
  const sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ until: now + ms, wake })),
  };
  const parsed: (() => void)[] = [];
  const seen: number[] = [];
  let written = 0;
  const view = (): ScreenView => ({ lines: [String(written)], links: [] });
  const watch = createTerminalWatch({
    clock,
    signal: new AbortController().signal,
    screen: {
      view,
      write: () => new Promise((resolve) => parsed.push(resolve)),
    },
    onView: ({ lines }) => {
      now += lookMs;
      seen.push(Number(lines[0]));
    },
  });
  return {
    seen,
    watch,
    /** What has been handed to the screen stays off it. */
    forget: () => void parsed.splice(0),
    /** So much arrives at once, and all of it is put on the screen. */
    arrives: async (pieces: number) => {
      const shown = Array.from({ length: pieces }, () => watch.show(new Uint8Array(1)));
      for (const done of parsed.splice(0)) {
        written += 1;
        done();
        await setImmediate();
      }
      await Promise.all(shown);
    },
    passes: async (ms: number) => {
      now += ms;
      for (const sleeper of sleepers.splice(0)) {
        if (sleeper.until <= now) sleeper.wake();
        else sleepers.push(sleeper);
      }
      await setImmediate();
    },
  };
}

describe('what a CLI writes', () => {
  it('is looked at at once when it comes alone', async () => {
    const { seen, arrives, passes } = createWorld(1);
    await arrives(1);
    await passes(1000);
    await arrives(1);
    expect(seen).toEqual([1, 2]);
  });

  it('is looked at once when it comes in a burst', async () => {
    const { seen, arrives } = createWorld(1);
    await arrives(50);
    expect(seen).toEqual([50]);
  });

  it('is looked at a fifth of the time at most, and never left unseen', async () => {
    const { seen, arrives, passes } = createWorld(10);
    await arrives(1);
    await arrives(1);
    await arrives(1);
    expect(seen).toEqual([1]);
    await passes(39);
    expect(seen).toEqual([1]);
    await passes(1);
    expect(seen).toEqual([1, 3]);
  });

  it('is looked at before the end, however short ago the last look was, and not twice', async () => {
    const { seen, watch, arrives } = createWorld(10);
    await arrives(1);
    await arrives(1);
    watch.look();
    watch.look();
    expect(seen).toEqual([1, 2]);
  });

  it('is looked at in the middle of a burst that does not end', async () => {
    const { seen, watch, forget, arrives, passes } = createWorld(0);
    // One that is never put on the screen, so the burst has no end.
    void watch.show(new Uint8Array(1));
    forget();
    await arrives(1);
    await passes(101);
    expect(seen).toEqual([]);
    await arrives(1);
    expect(seen).toEqual([2]);
  });
});
