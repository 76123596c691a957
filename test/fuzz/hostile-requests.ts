import { Readable } from 'node:stream';

import type { ExecuteEvent } from '@sallyport/core/protocol';
import * as fc from 'fast-check';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';

import { startTestServer } from '../server/test-server.ts';
import { hostileString, hostileValue, jsonTextOf, likeSchema } from './hostile.ts';

/** The one that the server keeps, and the one that a caller sends where secrets are sent. Neither may come back. */
export const [kept, sent] = ['kept-4f1c97e0b7d34c2a', 'sent-b8205cce0d1e4f7b'];
const users = ['local', 'ada', 'bob'];

const ended: ExecuteEvent = { type: 'exit', code: 0, signal: null, reason: 'ended' };

/** A server with logins and a history, and what is sent to its routes. */
export interface HostileCaller {
  readonly requests: fc.Arbitrary<Asked>;
  ask(this: void, asked: Asked): Promise<LightMyRequestResponse>;
  metrics(): Promise<string>;
  /** Ends the server and returns all it has logged. */
  close(): Promise<string>;
}

export async function createHostileCaller(): Promise<HostileCaller> {
  const server = await startTestServer();
  const spec: Readonly<Record<string, unknown>> = Object(server.app.swagger().paths);
  /** Ids that the server has given out. */
  let ids: Readonly<Record<string, string | undefined>> = {};

  /** Gives each user a login, and one of them a history. */
  async function populate(): Promise<void> {
    const files = { auth: JSON.stringify({ token: kept, account: 'ada@example.org', issuedAt: 1 }) };
    for (const userId of users) {
      // Refused where the one that a caller sent is newer, which then is as good.
      await server.post('/api/credentials/fake', { userId, replace: true, files });
    }
    server.output.put(ended);
    const prompt = await server.post('/api/vm/cli/prompt', { provider: 'fake', prompt: 'x' });
    await prompt.text();
    const { sessionId } = Object(await (await server.post('/api/auth/start', { provider: 'fake' })).json());
    await cancel(String(sessionId));
    ids = {
      '/session/': String(sessionId),
      '/prompt/': prompt.headers.get('location')?.split('/').at(-1),
      '/vms/': (await server.machineIds('local'))[0],
      '/credentials/': 'fake',
      '/users/': 'ada',
    };
  }

  /** A login that has ended: its events end too, and it is not in the way of another one. */
  async function cancel(sessionId: string): Promise<void> {
    await server.request(`/api/auth/session/${sessionId}/cancel`, { method: 'POST' });
  }

  /** What the API's description says a route takes as its body. */
  function bodyOf(method: string, path: string): fc.Arbitrary<unknown> {
    const described = path.replaceAll(/:(\w+)/g, '{$1}');
    const schema = at(spec, described, method.toLowerCase(), 'requestBody', 'content', 'application/json', 'schema');
    return schema === undefined
      ? fc.constantFrom(undefined, {}, null)
      : fc.tuple(likeSchema(schema), fc.nat({ max: 99 })).map(fillIn);
  }

  function requests(): fc.Arbitrary<Asked> {
    const [heads, others] = [true, false].map((wanted) =>
      server.routes.filter((route) => route.startsWith('HEAD ') === wanted),
    );
    const route = fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom(...(heads ?? [])) },
      { weight: 9, arbitrary: fc.constantFrom(...(others ?? [])) },
    );
    return route.chain((chosen) => {
      const [method = '', path = ''] = chosen.split(' ');
      const body = bodyOf(method, path).chain((value) =>
        value === undefined ? fc.constant('') : jsonTextOf(fc.constant(value)),
      );
      return fc.record({
        method: fc.oneof(
          { weight: 12, arbitrary: fc.constantFrom(...methods.filter((known) => known === method)) },
          { weight: 1, arbitrary: fc.constantFrom(...methods) },
        ),
        path: fc.constant(path),
        parameter: parameterOf(path),
        query: path.includes('/vms') ? fc.oneof(fc.constant(''), query) : query,
        headers: someHeaders.map((some): Readonly<Record<string, string>> => ({ ...some })),
        body: fc.oneof({ weight: 8, arbitrary: body }, { weight: 1, arbitrary: jsonTextOf(hostileValue) }),
      });
    });
  }

  async function ask({ method, path, parameter, query: asked, headers: own, body }: Asked) {
    server.output.put(ended);
    // The router tells the one of the static files as `*`.
    const url = path.replace(/^\*/, '/*').replace(/:\w+|\*/, () => ids[parameter] ?? parameter) + asked;
    const options: InjectOptions = {
      method,
      url,
      Request: InjectedRequest,
      headers: { host: server.host, ...own },
      ...(body !== '' && { payload: body }),
    };
    const answer = await server.app.inject(options);
    if (path === '/api/auth/start' && answer.statusCode === 201) await cancel(answer.json().sessionId);
    if (method === 'DELETE' && answer.statusCode < 300) await populate();
    return answer;
  }

  await populate();
  return {
    requests: requests(),
    ask,
    metrics: async () =>
      (await server.app.inject({ url: '/metrics', headers: { host: server.host }, Request: InjectedRequest })).payload,
    close: () => server.close(),
  };
}

const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce((found, key) => Object(found)[key], value);

/** Where a body has a place for a secret, that is there; and mostly a provider and a user that exist. */
function fillIn([body, chosen]: readonly [unknown, number]): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const place = (key: string, value: unknown): object => (Object.hasOwn(body, key) ? { [key]: value } : {});
  return {
    ...body,
    ...place('files', { auth: JSON.stringify({ token: sent, account: 'a@b.test', issuedAt: 2 }) }),
    ...place('value', sent),
    ...(chosen % 4 > 0 && {
      ...place('provider', 'fake'),
      ...place('method', ['paste', 'browser:desktop'][chosen % 2]),
      ...place('userId', users[chosen % users.length]),
    }),
  };
}

const header = fc.oneof(
  hostileString.filter((text) => /^[\t\u{20}-\u{7e}\u{80}-\u{ff}]*$/u.test(text) && text.length < 10_000),
  fc.constantFrom('0', '1', '99999999999999999999', 'null', 'same-origin', 'cross-site', 'gzip', 'application/json'),
);
const headers = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 12, arbitrary: fc.constant('application/json') },
      { weight: 1, arbitrary: fc.constantFrom('text/plain', 'application/json; charset=utf-7', 'multipart/form-data') },
      { weight: 1, arbitrary: header },
    ),
    'idempotency-key': fc.oneof(fc.constantFrom('a', 'b'), header),
    'last-event-id': fc.oneof(fc.nat().map(String), header),
    origin: header,
    host: header,
    'sec-fetch-site': header,
    accept: header,
    range: fc.constantFrom('bytes=0-', 'bytes=5-1'),
    'content-length': fc.constantFrom('0', '-1', '1e3', '999999999999'),
    expect: header,
    authorization: fc.constant(`Bearer ${sent}`),
    cookie: fc.constant(`session=${sent}`),
  },
  { requiredKeys: ['content-type'] },
);
/** Mostly the headers that let a request in. */
const someHeaders = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ 'content-type': 'application/json' }) },
  {
    weight: 2,
    arbitrary: headers.map(({ origin: _origin, host: _host, 'sec-fetch-site': _site, ...others }) => others),
  },
  { weight: 1, arbitrary: headers },
);

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());
const hostileParameter = fc.oneof(
  fc.constantFrom('page.js', '..%2f..%2fetc%2fpasswd', '%', '%ff', ''),
  fc.uuid(),
  hostileString.map((text) => encoded(text).slice(0, 5000)),
);
/** Mostly what exists; ids are known later, so they stand here by their names. */
const parameterOf = (path: string): fc.Arbitrary<string> => {
  const known = ['/session/', '/prompt/', '/vms/', '/credentials/', '/users/'].filter((part) => path.includes(part));
  return fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...known, 'page.js') }, hostileParameter);
};
const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.constantFrom(...users).map((userId) => `?userId=${userId}`) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.tuple(fc.oneof(fc.constant('userId'), hostileString), hostileString), { maxLength: 3 })
      .map((pairs) =>
        `?${pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')}`.slice(0, 5000),
      ),
  },
);
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'] as const;

export interface Asked {
  readonly method: (typeof methods)[number];
  readonly path: string;
  readonly parameter: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** As Node has them, and `inject` has not: each header with all of its values. */
class InjectedRequest extends Readable {
  declare readonly headers: Readonly<Record<string, string>>;

  get headersDistinct(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(Object.entries(this.headers).map(([name, value]) => [name, [value]]));
  }
}
