import { expect, it } from 'vitest';

import { createTrustedProxies, isAddressRange } from './trusted-proxies.ts';

it.each([
  ['127.0.0.1', true],
  ['10.0.0.0/8', true],
  ['::1', true],
  ['fd00::/8', true],
  ['10.0.0.0/33', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['localhost', false],
  ['*', false],
  ['', false],
])('%s may be named: %s', (text, isRange) => {
  expect(isAddressRange(text)).toBe(isRange);
});

it('includes what is in one of the networks, also where a socket tells an IPv4 address as IPv6', () => {
  const proxies = createTrustedProxies(['10.0.0.0/8', '::1']);
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::1']) expect(proxies.includes(address)).toBe(true);
  for (const address of ['11.1.2.3', '::2', '', 'x']) expect(proxies.includes(address)).toBe(false);
});
