import { expect, it } from 'vitest';

import { toIso } from './to-iso.ts';

it.each([
  [undefined, null],
  [0, '1970-01-01T00:00:00.000Z'],
  // A row may be from before times were checked, and one of them must not take the whole list away.
  [1e300, null],
  [NaN, null],
])('writes %j as %j', (ms, expected) => {
  expect(toIso(ms)).toBe(expected);
});
