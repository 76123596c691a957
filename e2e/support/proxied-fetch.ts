import { request } from 'node:https';
import { Readable } from 'node:stream';

/** `fetch` to a name that only this test knows, with a certificate that nobody has signed. */
export function proxiedFetch(): typeof fetch {
  return (input, init) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { method, headers, body, signal } = new Request(input, init);
    const address = new URL(input instanceof Request ? input.url : input);
    const sent = request(
      address,
      {
        method,
        headers: Object.fromEntries(headers),
        signal,
        agent: false,
        rejectUnauthorized: false,
        lookup: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
      },
      (answer) => {
        const { statusCode: status = 0 } = answer;
        const fields = Object.entries(answer.headers).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)] as [string, string]],
        );
        const hasNoBody = status === 204;
        resolve(new Response(hasNoBody ? null : Readable.toWeb(answer), { status, headers: fields }));
      },
    );
    // As fetch says that there is no network.
    sent.once('error', (error) => reject(new TypeError('fetch failed', { cause: error })));
    if (body) Readable.fromWeb(body).pipe(sent);
    else sent.end();
    return promise;
  };
}
