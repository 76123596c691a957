const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 5 * 60_000;
/** A receiver that asks for more is asked again after this long. */
const LONGEST_WISH_MS = 60 * 60_000;

/**
 * How long to wait after try number `tried`: twice as long each time, of which a random half is taken off, so that
 * many senders do not come back together. What the receiver asks for is the least.
 */
export function retryDelayMs(tried: number, random: number, wishMs = 0): number {
  const whole = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1));
  return Math.max(whole * (1 - random / 2), Math.min(wishMs, LONGEST_WISH_MS));
}

/** `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
