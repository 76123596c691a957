import { SallyportError, unreachable } from './error.ts';

/**
 * A token, or what returns the current one: user tokens end, and a request with one that has ended asks again. A `TypeError`,
 * which is what `fetch` throws without a network, is tried again like any other drop. What else it throws reaches the
 * caller as it is.
 */
export type TokenSource = string | (() => string | Promise<string>);

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Sends one request. Throws a `SallyportError` for every answer that is not a success, and the reason of the signal. */
export type Send = (method: 'GET' | 'POST' | 'DELETE', path: string, options?: RequestOptions) => Promise<Response>;

export interface Connection {
  readonly baseUrl: string;
  readonly token?: TokenSource | undefined;
  readonly fetch?: typeof fetch | undefined;
}

export function createSend({ baseUrl, token, fetch = globalThis.fetch }: Connection): Send {
  return async (method, path, { query = {}, body, headers, signal } = {}) => {
    const url = new URL(path, baseUrl);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const init = {
      method,
      signal: signal ?? null,
      body: body === undefined ? null : JSON.stringify(body),
    };
    /** What fails on the way says nothing of the request. */
    const reach = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        signal?.throwIfAborted();
        throw unreachable(`${url.origin} cannot be reached.`, error);
      }
    };
    const ask = async (): Promise<Response> => {
      const authorization = typeof token === 'function' ? await current(token) : token;
      return reach(() =>
        fetch(url, {
          ...init,
          headers: {
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...(authorization !== undefined && { authorization: `Bearer ${authorization}` }),
            ...headers,
          },
        }),
      );
    };
    const response = await ask();
    // The token may have ended since it was made.
    const answer = response.status === 401 && typeof token === 'function' ? await ask() : response;
    if (answer.ok) return answer;
    throw await reach(() => errorFrom(answer));
  };
}

async function current(token: () => string | Promise<string>): Promise<string> {
  try {
    return await token();
  } catch (error) {
    throw error instanceof TypeError ? unreachable('The token cannot be fetched.', error) : error;
  }
}

/** The schemas of the document say what `T` is: the server answers nothing else. */
export async function readJson<T>(answer: Promise<Response>): Promise<T> {
  const body: T = JSON.parse(await (await answer).text());
  return body;
}

async function errorFrom(response: Response): Promise<SallyportError> {
  const { status } = response;
  const isProblem = response.headers.get('content-type')?.includes('json') ?? false;
  const body: unknown = isProblem ? await response.json() : undefined;
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string')
    return new SallyportError({ ...body, code: body.code, status });
  return new SallyportError({
    code: 'UNEXPECTED_ANSWER',
    detail: `The server answered ${status}, and not as a Sallyport server does.`,
    hint: 'Check the address, and the proxy in front of the server.',
    status,
    // A proxy whose server is being restarted.
    retryable: status === 502 || status === 503 || status === 504,
  });
}
