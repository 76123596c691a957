import { checkLimit } from '@sallyport/core';

/** Event streams that may be open at a time. */
export interface StreamLimitSettings {
  readonly perUser: number;
  readonly inAll: number;
}

export interface StreamLimits {
  /** Counts a stream until it is disposed. Throws `LIMIT_REACHED`. */
  open(userId: string): Disposable;
}

export function createStreamLimits({ perUser, inAll }: StreamLimitSettings): StreamLimits {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    open: (userId) => {
      const count = counts.get(userId) ?? 0;
      checkLimit('open event streams of this user', count, perUser);
      checkLimit('open event streams', total, inAll);
      counts.set(userId, count + 1);
      total += 1;
      return {
        [Symbol.dispose]: () => {
          const left = (counts.get(userId) ?? 1) - 1;
          if (left === 0) counts.delete(userId);
          else counts.set(userId, left);
          total -= 1;
        },
      };
    },
  };
}
