import type { IncomingMessage } from 'node:http';

import { asRecord, tryParseJson } from '@sallyport/core/driver';

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1). Schemes have no case (RFC 9110 §11.1). */
export function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer +(?<token>\S+)$/i.exec(request.headers.authorization ?? '')?.groups?.['token'];
}

/** Parameters of a form or of a flat JSON object: token endpoints are spoken to in either. Numbers count as text. */
export function parseParameters(request: IncomingMessage, body: string): ReadonlyMap<string, string> {
  const type = request.headers['content-type'] ?? '';
  if (/^application\/x-www-form-urlencoded\b/.test(type)) return new Map(new URLSearchParams(body));
  if (!/^application\/json\b/.test(type)) return new Map();
  return new Map(
    Object.entries(asRecord(tryParseJson(body))).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
    ),
  );
}
