import { describe, expect, it } from 'vitest';

import { defaultNetworkRate, networkRateBounds, requireNetworkRate } from './network-rate.ts';
import { packetFilter } from './packet-filter.ts';

describe('the rates of machines in the packet filter', () => {
  const filter = packetFilter('192.168.100.1', [], { bytesPerSecond: 20_000, burstBytes: 70_000 });
  const limit = 'limit rate over 20000 bytes/second burst 70000 bytes';

  it('drop what a machine sends too fast before anything else looks at it', () => {
    const chain = /chain from_guest \{\n\s*(.*)/.exec(filter)?.[1];
    expect(chain).toBe(`update @sending { iifname ${limit} } counter name sent_too_fast drop`);
  });

  it('drop what a machine is sent too fast', () => {
    expect(filter).toContain(
      `oifname "fc-vm-*" update @receiving { oifname ${limit} } counter name received_too_fast drop`,
    );
  });

  it.each(['sending', 'receiving'])('forget a bucket of %s that is full again', (name) => {
    const [, body] = new RegExp(`set ${name} \\{([^}]*)\\}`).exec(filter) ?? [];
    expect(body?.trim().split(/\s*\n\s*/)).toEqual([
      'type ifname',
      'size 65535',
      'flags dynamic,timeout',
      'timeout 1m',
    ]);
    const { bytesPerSecond, burstBytes } = defaultNetworkRate;
    expect(burstBytes / bytesPerSecond).toBeLessThan(60);
  });
});

describe('a rate that is asked for', () => {
  const { bytesPerSecond, burstBytes } = networkRateBounds;

  it('is taken up to its bounds', () => {
    const least = { bytesPerSecond: bytesPerSecond.least, burstBytes: burstBytes.least };
    const most = { bytesPerSecond: bytesPerSecond.most, burstBytes: burstBytes.most };
    expect([least, most, defaultNetworkRate].map(requireNetworkRate)).toEqual([least, most, defaultNetworkRate]);
  });

  it.each([
    [{ bytesPerSecond: bytesPerSecond.least - 1, burstBytes: burstBytes.least }, /bytesPerSecond .* 16383/],
    [{ bytesPerSecond: bytesPerSecond.least, burstBytes: burstBytes.most + 1 }, /burstBytes .* 4000000001/],
    [{ bytesPerSecond: 20_000.5, burstBytes: burstBytes.least }, /20000.5/],
    [{ bytesPerSecond: Number.NaN, burstBytes: burstBytes.least }, /NaN/],
  ])('is refused beyond them: %o', (rate, message) => {
    expect(() => requireNetworkRate(rate)).toThrow(message);
  });
});
