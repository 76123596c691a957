import { describe, expect, it } from 'vitest';

import { systemClock } from './clock.ts';

describe('the system clock', () => {
  it('sleeps at least as long as asked, by the clock that never jumps', async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(15);
    expect(systemClock.monotonic() - before).toBeGreaterThan(13);
  });

  it('tells the time of day', () => {
    const before = Date.now();
    const told = systemClock.now();
    expect([before, told, Date.now()].toSorted((left, right) => left - right)).toEqual([
      before,
      told,
      expect.any(Number),
    ]);
  });

  it('stops sleeping with the reason of the signal', async () => {
    const abort = new AbortController();
    const sleep = systemClock.sleep(60_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    await expect(systemClock.sleep(60_000, abort.signal)).rejects.toThrow('enough');
  });

  it('aborts a deadline with its reason', async () => {
    const { signal } = systemClock.deadline(5, () => new Error('late'));
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(signal.reason).toMatchObject({ message: 'late' });
  });

  it('does not abort a deadline that was cleared or left behind', async () => {
    const cleared = systemClock.deadline(5, () => 'late');
    cleared.clear();
    const disposed = systemClock.deadline(5, () => 'late');
    disposed[Symbol.dispose]();
    // Timers of the same length fire in the order in which they were set.
    const { signal } = systemClock.deadline(5, () => 'late');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect([cleared.signal.aborted, disposed.signal.aborted]).toEqual([false, false]);
  });

  it('aborts a deadline with its parent, also one that has ended already', () => {
    const parent = new AbortController();
    const deadline = systemClock.deadline(60_000, () => 'late', parent.signal);
    parent.abort('cancelled');
    expect(deadline.signal.reason).toBe('cancelled');
    deadline.clear();
    const born = systemClock.deadline(60_000, () => 'late', parent.signal);
    expect(born.signal.reason).toBe('cancelled');
    born.clear();
  });
});
