import { describe, expect, it } from 'vitest';

import { defaultNetworkRate } from '@sallyport/machines';

import { qemuSettingsSchema } from './config.ts';

describe('the rate of machines in the settings of QEMU', () => {
  const accepts = (networkRate: unknown): boolean =>
    qemuSettingsSchema.safeParse({ kind: 'qemu', networkRate }).success;

  it('is what the bridge can do with', () => {
    expect(accepts(undefined)).toBe(true);
    expect(accepts(defaultNetworkRate)).toBe(true);
  });

  it.each([
    { ...defaultNetworkRate, bytesPerSecond: 16_383 },
    { ...defaultNetworkRate, bytesPerSecond: 20_000.5 },
    { ...defaultNetworkRate, burstBytes: 4_000_000_001 },
    { bytesPerSecond: 6_250_000 },
    { ...defaultNetworkRate, packets: 1 },
    6_250_000,
  ])('is refused where it is not: %o', (rate) => {
    expect(accepts(rate)).toBe(false);
  });
});
