import { createVirtualClock } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { createFailureLimit } from './failure-limit.ts';

describe('refused credentials of an address', () => {
  it('are limited for a minute, and those of another address are not', async () => {
    const clock = createVirtualClock();
    const limit = createFailureLimit({ perMinute: 2, clock });
    limit.count('192.0.2.1');
    expect(limit.isReached('192.0.2.1')).toBe(false);
    limit.count('192.0.2.1');
    expect(limit.isReached('192.0.2.1')).toBe(true);
    await clock.advance(20_500);
    expect(() => limit.count('192.0.2.1')).toThrow(
      expect.objectContaining({ code: 'LIMIT_REACHED', details: { retryAfterSeconds: 40 } }),
    );
    limit.count('192.0.2.2');
    await clock.advance(39_500);
    expect(limit.isReached('192.0.2.1')).toBe(false);
    limit.count('192.0.2.1');
  });

  it('are those of its whole IPv6 network', () => {
    const limit = createFailureLimit({ perMinute: 1, clock: createVirtualClock() });
    limit.count('2001:db8::1');
    expect(limit.isReached('2001:db8::ffff:2')).toBe(true);
    expect(limit.isReached('2001:db8:0:1::1')).toBe(false);
  });

  it('take no more memory the more addresses there are, and the latest are remembered', () => {
    const limit = createFailureLimit({ perMinute: 2, clock: createVirtualClock(), capacity: 3 });
    limit.count('busy');
    for (let other = 0; other < 100; other += 1) {
      limit.count(`other ${other}`);
      if (other === 1) limit.count('busy');
      if (other < 4) expect(limit.isReached('busy')).toBe(other > 0);
      expect(limit.size).toBeLessThanOrEqual(3);
    }
    expect(limit.isReached('busy')).toBe(false);
  });
});
