import { expect, it } from 'vitest';

// By its path: the test kit depends on this package, so this package cannot depend on the test kit.
import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { createRateLimit } from './rate-limit.ts';

it('allows a burst, then once in a while, for each key apart', async () => {
  const clock = createVirtualClock();
  const limit = createRateLimit({ clock, burst: 3, everyMs: 1000 });
  const tryOften = (key: string): number => {
    let times = 0;
    for (; times < 10 && limit.allows(key); times += 1) limit.note(key);
    return times;
  };
  expect(tryOften('one')).toBe(3);
  expect(tryOften('other')).toBe(3);
  await clock.advance(999);
  expect(tryOften('one')).toBe(0);
  await clock.advance(1);
  expect(tryOften('one')).toBe(1);
  await clock.advance(2000);
  expect(tryOften('one')).toBe(2);
  await clock.advance(60_000);
  expect(tryOften('one')).toBe(3);
});
