import { expect, it } from 'vitest';

import { legible } from './legible.ts';

it.each([
  ['is not a name', 'is not a name'],
  ['Ä 漢字 👍', 'Ä 漢字 👍'],
  ['\u{1b}]8;;x\u{7}', '\\u{1b}]8;;x\\u{7}'],
  ['a\u{202e}b\u{7f}\u{d800}\n', 'a\\u{202e}b\\u{7f}\\u{d800}\\u{a}'],
  ['a'.repeat(700), 'a'.repeat(700)],
  ['a'.repeat(701), `${'a'.repeat(699)}…`],
])('makes %j fit for a message', (text, expected) => {
  expect(legible(text)).toBe(expected);
});

it('is bounded for text that is all escaped', () => {
  expect(legible('\0'.repeat(70_000))).toHaveLength(700);
});
