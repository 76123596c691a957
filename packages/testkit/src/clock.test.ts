import { describe, expect, it } from 'vitest';

import { createVirtualClock } from './clock.ts';

describe('the virtual clock', () => {
  it('stands still by itself', () => {
    const clock = createVirtualClock(1000);
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 0]);
  });

  it('wakes sleepers in order, each at its own time, also those that were started on the way', async () => {
    const clock = createVirtualClock(0);
    const woken: string[] = [];
    const sleeper = async (name: string, ...naps: number[]): Promise<void> => {
      for (const nap of naps) {
        await clock.sleep(nap);
        woken.push(`${name}@${clock.now()}`);
      }
    };
    const done = Promise.all([sleeper('a', 10, 10, 100), sleeper('b', 15)]);
    await clock.advance(30);
    expect(woken).toEqual(['a@10', 'b@15', 'a@20']);
    expect([clock.now(), clock.pending]).toEqual([30, 1]);
    await clock.advance(90);
    await done;
    expect(woken.at(-1)).toBe('a@120');
  });

  it('rejects a sleep with the reason of its signal, at once when it is aborted already', async () => {
    const clock = createVirtualClock();
    const abort = new AbortController();
    const sleep = clock.sleep(10, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    await expect(clock.sleep(10, abort.signal)).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });

  it('aborts a deadline with its reason, unless it was cleared', async () => {
    const clock = createVirtualClock();
    const [kept, cleared] = [clock.deadline(10, () => 'late'), clock.deadline(10, () => 'late')];
    cleared.clear();
    await clock.advance(9);
    expect(kept.signal.aborted).toBe(false);
    await clock.advance(1);
    expect([kept.signal.reason, cleared.signal.aborted]).toEqual(['late', false]);
  });

  it('aborts a deadline with its parent', () => {
    const parent = new AbortController();
    const { signal } = createVirtualClock().deadline(10, () => 'late', parent.signal);
    parent.abort('cancelled');
    expect(signal.reason).toBe('cancelled');
  });
});
