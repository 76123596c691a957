import { SallyportError } from './error.ts';
import { backOff, wait } from './wait.ts';

export interface RetryOptions {
  /** Attempts in a row that bring no event before a stream is given up. */
  readonly retries: number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
}

/** Whether the server, its database or the way to it is away and may be back shortly. */
export function isPassing({ code, retryable, status }: SallyportError): boolean {
  return status === 0 || (retryable && status >= 500) || code === 'IDEMPOTENCY_KEY_IN_USE';
}

/** Sends a request that is safe to send again until the server answers it. */
export async function retrying<T>(
  request: () => Promise<T>,
  { retries, random }: RetryOptions,
  signal?: AbortSignal,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    await wait(backOff(failures) * (0.5 + random() / 2), signal);
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof SallyportError) || !isPassing(error) || failures >= retries) throw error;
    }
  }
}
