import type { IncomingMessage } from 'node:http';

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1). */
export function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer (?<token>\S+)$/.exec(request.headers.authorization ?? '')?.groups?.['token'];
}
