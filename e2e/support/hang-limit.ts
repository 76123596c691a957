/**
 * How long an end-to-end test may take, and how long it waits for anything. It only ends what hangs: a busy host is many
 * times slower than an idle one, so nothing is concluded from how long a thing took.
 */
export const HANG_LIMIT_MS = 10 * 60_000;
