/** One request as it came over the socket. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** `undefined` where `Content-Length` is absent or 0, whatever follows. */
  readonly body: string | undefined;
  readonly headers: ReadonlyMap<string, string>;
}

export type WireEvent =
  | { readonly kind: 'request'; readonly request: WireRequest }
  | { readonly kind: 'refused'; readonly message: string };

const MAX_HEAD_BYTES = 1024;
const MAX_BODY_BYTES = 51_200;
const MEDIA_TYPES = ['application/json', 'text/plain'];
const CRLF = '\r\n';

/**
 * Reads requests as micro-http does, which is far from all of HTTP/1.1: a body only by `Content-Length`, a head of
 * at most 1,024 bytes, four methods. Node's own parser would forgive all of that, and a client that relies on it
 * would fail with the real program. A media type it does not know is only ignored there; here it is refused.
 */
export function createWireReader(): (chunk: Buffer) => readonly WireEvent[] {
  let buffer = Buffer.alloc(0);
  return (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    const events: WireEvent[] = [];
    for (;;) {
      const read = readOne(buffer);
      if (!read) {
        return events;
      }
      events.push(read.event);
      // After a refusal nothing tells where the next request starts.
      buffer = read.event.kind === 'refused' ? Buffer.alloc(0) : buffer.subarray(read.length);
    }
  };
}

function readOne(buffer: Buffer): { readonly event: WireEvent; readonly length: number } | undefined {
  const lineEnd = buffer.indexOf(CRLF);
  const line = lineEnd === -1 ? undefined : buffer.subarray(0, lineEnd).toString('latin1');
  const start = line === undefined ? undefined : /^(GET|PUT|PATCH|DELETE) (\S+) HTTP\/1\.[01]$/.exec(line);
  if (line !== undefined && !start) {
    return refused('Invalid HTTP Method, URI or version.');
  }
  const headEnd = buffer.indexOf(CRLF + CRLF);
  if ((headEnd === -1 ? buffer.length : headEnd + 4) > MAX_HEAD_BYTES) {
    return refused('Header size limit exceeded.');
  }
  if (!start || headEnd === -1) {
    return undefined;
  }
  const headers = readHeaders(buffer.subarray(lineEnd + 2, Math.max(headEnd, lineEnd + 2)).toString('latin1'));
  if (typeof headers === 'string') {
    return refused(headers);
  }
  const size = Number(headers.get('content-length') ?? 0);
  if (size > MAX_BODY_BYTES) {
    return refused(
      `Request payload with size ${size} is larger than the limit of ${MAX_BODY_BYTES} allowed by server.`,
    );
  }
  const length = headEnd + 4 + size;
  if (buffer.length < length) {
    return undefined;
  }
  const [, method = '', path = ''] = start;
  const body = size === 0 ? undefined : buffer.subarray(headEnd + 4, length).toString('utf8');
  return { event: { kind: 'request', request: { method, path, body, headers } }, length };
}

/** The headers by lower-case name, or what is wrong with them. */
function readHeaders(text: string): ReadonlyMap<string, string> | string {
  const headers = new Map<string, string>();
  for (const line of text.split(CRLF).filter((entry) => entry !== '')) {
    const colon = line.indexOf(':');
    if (colon === -1) {
      return `Invalid header. Reason: Header is not properly formatted. Key:${line}`;
    }
    const [name, value] = [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    if (name === 'content-length' && !/^\d+$/.test(value)) {
      return `Invalid header. Reason: Invalid value. Key:${name}; Value:${value}`;
    }
    if ((name === 'content-type' || name === 'accept') && !MEDIA_TYPES.includes(value)) {
      return `Invalid header. Reason: Unsupported value. Key:${name}; Value:${value}`;
    }
    if (name === 'accept-encoding' && value.includes('identity;q=0')) {
      return `Invalid header. Reason: Invalid value. Key:${name}; Value:${value}`;
    }
    headers.set(name, value);
  }
  return headers;
}

function refused(message: string): { readonly event: WireEvent; readonly length: number } {
  return { event: { kind: 'refused', message }, length: 0 };
}
