import { SallyportError } from '@sallyport/core';

/** What one machine may send over its network, and as much again what it may receive. More is dropped. */
export interface NetworkRate {
  /** In the long run. At least 16,384: a frame of a guest has up to 64 KiB, and one that never fits never passes. */
  readonly bytesPerSecond: number;
  /** What it may send at once on top of a second's worth, when it was silent before. From 65,536 to 4,000,000,000. */
  readonly burstBytes: number;
}

/** 50 Mbit/s each way, with a start of 31 MB: the same that machines of Firecracker have. */
export const defaultNetworkRate: NetworkRate = { bytesPerSecond: 6_250_000, burstBytes: 31_250_000 };

/** The least and the most that the packet filter can do with. The kernel keeps a burst in 32 bits. */
export const networkRateBounds = {
  bytesPerSecond: { least: 16_384, most: 1_000_000_000_000 },
  burstBytes: { least: 65_536, most: 4_000_000_000 },
} as const;

/** @throws {SallyportError} `CONFIG_INVALID` for a rate that the packet filter cannot hold machines to. */
export function requireNetworkRate(rate: NetworkRate): NetworkRate {
  for (const key of ['bytesPerSecond', 'burstBytes'] as const) {
    const { least, most } = networkRateBounds[key];
    const value = rate[key];
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
    throw new SallyportError('CONFIG_INVALID', `${key} of the network of machines is ${value}.`, {
      hint: `Give a whole number from ${least} to ${most}.`,
    });
  }
  return rate;
}
