import { describe, expect, it } from 'vitest';

import { matchText } from './matcher.ts';

describe('a matcher', () => {
  it('finds text whatever the white space between its words', () => {
    expect(matchText({ text: 'Logged in' }, 'x\nLogged\n   in now')).toBe('Logged in');
    expect(matchText({ text: 'Logged in' }, 'Loggedin')).toBeUndefined();
  });

  it('gives the first group of a pattern, or the whole match', () => {
    expect(matchText({ pattern: 'code: ([A-Z]+)' }, 'your code: ABC')).toBe('ABC');
    expect(matchText({ pattern: '^code$' }, 'a\ncode\nb')).toBe('code');
    expect(matchText({ pattern: 'code' }, 'Code')).toBeUndefined();
  });

  it('takes time linear in the text where a backtracking engine would never end', () => {
    expect(matchText({ pattern: '^(a+)+$' }, `${'a'.repeat(30_000)}!`)).toBeUndefined();
  });

  it('looks at the end of a text that is too long', () => {
    const long = `first${' '.repeat(70_000)}last`;
    expect(matchText({ text: 'last' }, long)).toBe('last');
    expect(matchText({ text: 'first' }, long)).toBeUndefined();
  });
});
