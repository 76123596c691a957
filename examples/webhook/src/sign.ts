import { createHmac } from 'node:crypto';

import { Secret, SallyportError } from '@sallyport/core';

export interface SignedMessage {
  /** The same for every try, so that the receiver can tell a repetition. */
  readonly id: string;
  readonly body: string;
}

/** The three headers of Standard Webhooks 1.0, with its symmetric scheme. `at` is the time of this try. */
export function sign({ id, body }: SignedMessage, at: number, key: Secret<Buffer>): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac('sha256', key.reveal()).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

/** Reads `whsec_` and 24 to 64 random bytes in base64, the form that Standard Webhooks asks for. */
export function parseSigningKey(secret: Secret): Secret<Buffer> {
  const text = secret.reveal();
  const encoded = text.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  const readable = text.startsWith(PREFIX) && bytes.toString('base64') === encoded;
  if (readable && bytes.length >= 24 && bytes.length <= 64) return new Secret(bytes);
  throw new SallyportError(
    'CONFIG_INVALID',
    'The secret of the webhook is not `whsec_` and 24 to 64 bytes in base64.',
    {
      hint: 'Make one with: echo "whsec_$(openssl rand -base64 32)"',
    },
  );
}

const PREFIX = 'whsec_';
