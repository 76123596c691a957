import { describe, expect, it } from 'vitest';

import { isLoopback } from './loopback.ts';

describe('a loopback address', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    'Localhost',
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::FFFF:7f00:1',
  ])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['', '0.0.0.0', '::', '128.0.0.1', '127.0.0.256', '127.1', '::ffff:128.0.0.1', '::7f00:1', 'localhost.test'])(
    'is not %j',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
