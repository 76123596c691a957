import { describe, expect, it } from 'vitest';

import { digest } from './digest.ts';

describe('digest', () => {
  it('is the same for the same text and different for another', () => {
    expect(digest('rt-one')).toBe(digest('rt-one'));
    expect(digest('rt-one')).not.toBe(digest('rt-two'));
  });

  it('is the beginning of SHA-256', () => {
    expect(digest('abc')).toBe('ba7816bf8f01cfea');
  });
});
