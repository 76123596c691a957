import type { Json } from './api-schema.ts';

/** What the API answers. */
export interface Answer {
  readonly status: 200 | 204 | 400 | 413 | 503;
  readonly body?: Json;
  /** A field was sent that a later version will refuse. */
  readonly deprecated?: boolean;
  /** The process ends with this code once the answer is sent. */
  readonly exitCode?: number;
}

export const noContent: Answer = { status: 204 };

export function ok(body: Json): Answer {
  return { status: 200, body };
}

export function fault(message: string): Answer {
  return { status: 400, body: { fault_message: message } };
}

/** An answer in the bytes micro-http writes: no reason phrase, no length where there is no body. */
export function writeAnswer({ status, body, deprecated = false }: Answer): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = [
    `HTTP/1.1 ${status} `,
    'Server: Firecracker API',
    `Connection: ${status === 503 ? 'close' : 'keep-alive'}`,
    ...(deprecated ? ['Deprecation: true'] : []),
    ...(text === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}
