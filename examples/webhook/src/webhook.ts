import { randomUUID } from 'node:crypto';

import { SallyportError, systemClock } from '@sallyport/core';
import type { Clock, DomainEvent, Plugin, Secret } from '@sallyport/core';

import { parseEndpoint } from './endpoint.ts';
import { post } from './post.ts';
import { retryDelayMs } from './retry.ts';
import { parseSigningKey } from './sign.ts';
import type { SignedMessage } from './sign.ts';

export interface WebhookOptions {
  /** Where to post. HTTPS, except to this computer itself. */
  readonly url: string;
  /** Shared with the receiver alone: `whsec_` and 24 to 64 random bytes in base64. */
  readonly secret: Secret;
  /** What to post. Default: `credential.invalid` and `credential.expiring`. */
  readonly events?: readonly DomainEvent['type'][];
  /** Name of the plugin; a second webhook needs another. Default `webhook`. */
  readonly name?: string;
  /** How often each event is tried. Default 10, which takes about six minutes. */
  readonly tries?: number;
  /** How long a try may wait for the receiver's answer. Default 10 s. */
  readonly timeoutMs?: number;
  /** How many events may wait; one more, and the oldest is dropped. Default 1000. */
  readonly queueLength?: number;
  /** Told of each event that was not delivered. What it returns or throws changes nothing. Default: standard error. */
  readonly onError?: (error: SallyportError) => unknown;
  readonly clock?: Clock;
  /** From 0 to 1, for the time between tries. Default `Math.random`. */
  readonly random?: () => number;
}

export interface Webhook extends Plugin {
  /** Gives up the running try and all that wait, and reports each. Call it after the application is closed. */
  close(): Promise<void>;
}

/**
 * Posts events to one receiver, signed after Standard Webhooks, one after the other and in their order. It keeps
 * them in memory: what is not delivered when the process ends is in the audit log alone.
 */
export function createWebhook(options: WebhookOptions): Webhook {
  const { name = 'webhook', tries = 10, timeoutMs = 10_000, queueLength = 1000 } = options;
  const { clock = systemClock, random = Math.random, onError = (error) => console.error(error) } = options;
  const chosen = new Set(options.events ?? ['credential.invalid', 'credential.expiring']);
  const endpoint = parseEndpoint(options.url);
  const closing = new AbortController();
  const posting = { endpoint, key: parseSigningKey(options.secret), clock, timeoutMs, signal: closing.signal };
  const waiting: Message[] = [];
  let working: Promise<void> | undefined;

  function take(event: DomainEvent): void {
    if (!chosen.has(event.type)) return;
    if (waiting.length >= queueLength) {
      const dropped = waiting.shift();
      if (dropped) report(dropped, `dropped: ${queueLength} newer ones wait`);
    }
    waiting.push(createMessage(event));
    // In a later turn: what caused the event does not wait for the first request to be made.
    working ??= Promise.resolve().then(work);
  }

  async function work(): Promise<void> {
    for (let message = waiting.shift(); message; message = waiting.shift()) await deliver(message);
    working = undefined;
  }

  async function deliver(message: Message): Promise<void> {
    for (let tried = 1; ; tried += 1) {
      const outcome = await post(message, posting);
      if (outcome.type === 'delivered') return;
      if (!outcome.again || tried >= tries) {
        report(message, `given up at try ${tried}: ${outcome.problem}`, outcome.cause);
        return;
      }
      // Closing ends the wait, and is noticed by the next try.
      await clock.sleep(retryDelayMs(tried, random(), outcome.wishMs), closing.signal).catch(() => undefined);
    }
  }

  function report({ id, type }: Message, end: string, cause?: unknown): void {
    // Only the origin of the URL: its path is often a secret.
    const message = `The event ${type} for ${endpoint.origin} was ${end}.`;
    const hint = 'Look at the receiver; the event is in the audit log.';
    const error = new SallyportError('PLUGIN_FAILED', message, { hint, details: { plugin: name, id, type }, cause });
    // An error handler that fails, now or later, must not end the process.
    void Promise.resolve(error)
      .then(onError)
      .catch((thrown: unknown) => console.error(error, thrown));
  }

  return {
    name,
    apply: ({ hooks }) => hooks.event.tap(name, take),
    close: async () => {
      closing.abort();
      await working;
    },
  };
}

interface Message extends SignedMessage {
  readonly type: DomainEvent['type'];
}

function createMessage({ type, at, ...data }: DomainEvent): Message {
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
  return { id: `msg_${randomUUID()}`, type, body };
}
