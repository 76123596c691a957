import { SallyportError, Secret } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { parseSigningKey, sign } from './sign.ts';

describe('the signature', () => {
  it('is the one of the test vector that the libraries of Standard Webhooks share', () => {
    const key = parseSigningKey(new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'));
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
    expect(sign(message, 1_614_265_330_999, key)).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });
});

describe('the secret', () => {
  const bytes = (length: number): string => Buffer.alloc(length, 7).toString('base64');

  it('has 24 to 64 bytes', () => {
    for (const length of [24, 64])
      expect(parseSigningKey(new Secret(`whsec_${bytes(length)}`)).reveal().length).toBe(length);
  });

  it('is refused when it is short, long, no base64 or without its prefix, and is not repeated', () => {
    for (const text of ['', bytes(32), `whsec_${bytes(23)}`, `whsec_${bytes(65)}`, `whsec_${'?'.repeat(40)}`]) {
      const thrown = thrownBy(() => parseSigningKey(new Secret(text)));
      expect(thrown.code).toBe('CONFIG_INVALID');
      if (text !== '') expect(`${thrown.message}${thrown.hint}`).not.toContain(text);
    }
  });
});

function thrownBy(run: () => unknown): SallyportError {
  try {
    run();
  } catch (thrown) {
    if (SallyportError.isInstance(thrown)) return thrown;
  }
  throw new Error('Nothing of ours was thrown.');
}
