import type { ServerResponse } from 'node:http';

/** Bytes of an answer that are kept. More than is shown of it, so that JSON can be read whole. */
const MOST_KEPT = 256 * 1024;

/**
 * Keeps what a site answers with a status of 400 or more, which says why it refused. Returns the function that gives
 * it as text, `undefined` for any other status.
 */
export function watchRefusal(response: ServerResponse): () => string | undefined {
  const kept: Buffer[] = [];
  let length = 0;
  const keep = ([chunk, encoding]: readonly unknown[]): void => {
    if (response.statusCode < 400 || length >= MOST_KEPT) return;
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, encoding === 'latin1' || encoding === 'base64' ? encoding : 'utf8')
        : chunk instanceof Uint8Array
          ? Buffer.from(chunk)
          : undefined;
    if (bytes === undefined) return;
    kept.push(bytes);
    length += bytes.length;
  };
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  response.write = (...sent: unknown[]): boolean => {
    keep(sent);
    return Boolean(Reflect.apply(write, response, sent));
  };
  response.end = (...sent: unknown[]): ServerResponse => {
    keep(sent);
    Reflect.apply(end, response, sent);
    return response;
  };
  return () => (response.statusCode < 400 ? undefined : Buffer.concat(kept).toString('utf8', 0, MOST_KEPT));
}
