/** A token bucket of Firecracker: `size` per `refill_time` milliseconds. Size 0 switches it off. */
export interface TokenBucket {
  readonly size: number;
  readonly refill_time: number;
  readonly one_time_burst?: number;
}

export interface RateLimiter {
  /** Bytes. */
  readonly bandwidth?: TokenBucket;
  /** Packets or requests. */
  readonly ops?: TokenBucket;
}

/** What a machine may use of what it shares with others. */
export interface RateLimits {
  readonly disk: RateLimiter;
  readonly receive: RateLimiter;
  readonly transmit: RateLimiter;
  readonly entropy: RateLimiter;
  readonly serial: TokenBucket;
}

const MIB = 1024 * 1024;

/** 50 MiB/s and 4,000 operations of disk; 50 Mbit/s of network, with a start of 30 MB; 20,000 packets/s out. */
export const defaultRateLimits: RateLimits = {
  disk: { bandwidth: { size: 50 * MIB, refill_time: 1000 }, ops: { size: 4000, refill_time: 1000 } },
  receive: { bandwidth: { size: 6_250_000, refill_time: 1000, one_time_burst: 31_250_000 } },
  transmit: {
    bandwidth: { size: 6_250_000, refill_time: 1000, one_time_burst: 31_250_000 },
    ops: { size: 20_000, refill_time: 1000 },
  },
  entropy: { bandwidth: { size: 10_000, refill_time: 1000 } },
  serial: { size: 65_536, refill_time: 1000, one_time_burst: 65_536 },
};
