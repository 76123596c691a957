import { SallyportError } from './error.ts';
import { readJson } from './request.ts';
import type { RequestOptions, Send } from './request.ts';
import { waitToRetry } from './wait.ts';

/** Whether the server, its database or the way to it is away and may be back shortly. */
export function isPassing({ code, retryable, status }: SallyportError): boolean {
  return status === 0 || (retryable && status >= 500) || code === 'IDEMPOTENCY_KEY_IN_USE';
}

/** Sends a request that is safe to send again until the server answers it. */
export async function retrying<T>(request: () => Promise<T>, retries: number, signal?: AbortSignal): Promise<T> {
  for (let failures = 0; ; failures++) {
    await waitToRetry(failures, signal);
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof SallyportError) || !isPassing(error) || failures >= retries) throw error;
    }
  }
}

/** Reads something, and changes nothing however often it is sent. */
export type Read = <T>(path: string, options?: RequestOptions) => Promise<T>;

export function createRead(send: Send, retries: number): Read {
  return (path, options = {}) => retrying(() => readJson(send('GET', path, options)), retries, options.signal);
}
