import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkProperty } from '../../../testkit/src/check-property.ts';
import { createSecretFilter, REDACTED } from './secret-filter.ts';

function filtered(secrets: readonly string[], pieces: readonly string[]): string {
  const filter = createSecretFilter(secrets);
  return pieces.map((piece) => filter.push(piece)).join('') + filter.flush();
}

/** The same in the plainest way: which characters are part of a secret, and which begin a group of them. */
function expected(secrets: readonly string[], text: string): string {
  const ranges = secrets
    .flatMap((secret) => starts(text, secret).map((start) => ({ start, end: start + secret.length })))
    .toSorted((a, b) => a.start - b.start);
  let clean = '';
  let at = 0;
  for (const { start, end } of ranges) {
    if (start >= at) clean += text.slice(at, start) + REDACTED;
    at = Math.max(at, end);
  }
  return clean + text.slice(at);
}

function starts(text: string, secret: string): readonly number[] {
  return Array.from(text).flatMap((_, index) => (text.startsWith(secret, index) ? [index] : []));
}

describe('the secret filter', () => {
  const secret = 'sk-live-0123';
  it.each([
    ['a secret alone', [secret], [secret], '[redacted]'],
    ['a secret inside words', [secret], [`key=${secret};`], 'key=[redacted];'],
    ['a secret twice', [secret], [`${secret}${secret}`], '[redacted][redacted]'],
    ['a secret in two pieces', [secret], ['my sk-li', 've-0123!'], 'my [redacted]!'],
    ['a secret in many pieces', [secret], Array.from(`a${secret}b`), 'a[redacted]b'],
    ['a secret around an empty piece', [secret], ['sk-li', '', 've-0123'], '[redacted]'],
    ['a secret that begins twice', [secret], ['sk-lisk-li', 've-0123'], 'sk-li[redacted]'],
    ['a secret that is the beginning of another', ['abcd', 'abcdef'], ['abcd', 'ef abcd'], '[redacted] [redacted]'],
    ['secrets that overlap', ['abcd', 'cdef'], ['xabcdefx'], 'x[redacted]x'],
    ['secrets that overlap, in pieces', ['abcd', 'cdef'], ['xabc', 'de', 'fx'], 'x[redacted]x'],
    ['a beginning with no end', [secret], ['a sk-live-', '0124'], 'a sk-live-0124'],
    ['no secret', [], ['a', 'b'], 'ab'],
  ])('replaces %s', (_, secrets, pieces, clean) => {
    expect(filtered(secrets, pieces)).toBe(clean);
  });

  it('holds back no more than what may be the beginning of a secret', () => {
    const filter = createSecretFilter([secret]);
    expect(filter.push('the key is sk-')).toBe('the key is ');
    expect(filter.push('or not. ')).toBe('sk-or not. ');
  });

  it('does not wait for ever where each secret begins in the one before', () => {
    const filter = createSecretFilter(['abab']);
    expect(filter.push('ab'.repeat(1000))).toBe(REDACTED);
    expect(filter.push('x')).toBe('x');
  });

  it('replaces the rest of a secret whose beginning had to be shown', () => {
    const filter = createSecretFilter([secret]);
    expect(filter.push('sk-li') + filter.flush()).toBe('sk-li');
    expect(filter.push('ve-0123 next')).toBe('[redacted] next');
  });

  it('begins again after the end of a text', () => {
    const filter = createSecretFilter([secret]);
    expect(filter.push('sk-li') + filter.end()).toBe('sk-li');
    expect(filter.push('ve-0123')).toBe('ve-0123');
  });

  it('finds a secret that is added while its beginning is held back', () => {
    const filter = createSecretFilter(['sk-live-9999']);
    expect(filter.push('sk-live-')).toBe('');
    filter.add(secret);
    expect(filter.push('0123')).toBe(REDACTED);
  });

  it('shows the same for every way to cut a text into pieces, and loses and moves nothing', async () => {
    const letters = (most: number) =>
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: most });
    await checkProperty(
      fc.property(
        fc.array(letters(6), { maxLength: 4 }),
        fc.array(letters(8), { maxLength: 12 }),
        (secrets, pieces) => {
          expect(filtered(secrets, pieces)).toBe(expected(secrets, pieces.join('')));
        },
      ),
      { runs: 3000 },
    );
  });
});
