import type { Clock, Secret } from '@sallyport/core';

import { parseRetryAfter } from './retry.ts';
import { sign } from './sign.ts';
import type { SignedMessage } from './sign.ts';

export interface PostOptions {
  readonly endpoint: URL;
  readonly key: Secret<Buffer>;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Aborts when the webhook is closed. */
  readonly signal: AbortSignal;
}

/** How one try ended. */
export type Outcome =
  | { readonly type: 'delivered' }
  | {
      readonly type: 'failed';
      /** What happened, as the end of a sentence. */
      readonly problem: string;
      readonly again: boolean;
      /** How long the receiver asks to wait. */
      readonly wishMs?: number | undefined;
      readonly cause?: unknown;
    };

/** Posts once. Never throws. */
export async function post(message: SignedMessage, options: PostOptions): Promise<Outcome> {
  const { endpoint, key, clock, timeoutMs, signal } = options;
  if (signal.aborted) return closed;
  const late = new Error(`No answer after ${timeoutMs / 1000} s.`);
  const deadline = clock.deadline(timeoutMs, () => late, signal);
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...sign(message, clock.now(), key) },
      body: message.body,
      redirect: 'manual',
      signal: deadline.signal,
    });
    // Nothing in it is wanted, and it may be endless.
    await response.body?.cancel();
    return judge(response, clock.now());
  } catch (cause) {
    if (signal.aborted) return closed;
    const problem = cause === late ? `it gave no answer within ${timeoutMs / 1000} s` : 'it could not be reached';
    return { type: 'failed', problem, again: true, cause };
  } finally {
    deadline.clear();
  }
}

const closed: Outcome = { type: 'failed', problem: 'the webhook was closed', again: false };

function judge({ ok, status, headers }: Response, now: number): Outcome {
  if (ok) return { type: 'delivered' };
  const wishMs = parseRetryAfter(headers.get('retry-after'), now);
  return { type: 'failed', problem: `it answered ${status}`, again: status === 429 || status >= 500, wishMs };
}
