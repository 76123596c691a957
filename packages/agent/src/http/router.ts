import type { IncomingMessage, ServerResponse } from 'node:http';

import { SallyportError } from '@sallyport/core';

import { sendJson } from './problem.ts';
import { readBody } from './request-body.ts';
import type { BodySchema } from './request-body.ts';

/** A request on its way through a route. */
export interface RouteContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** A part of the path that the route names with `:name`. */
  readonly parameter: (name: string) => string;
  readonly body: <T>(schema: BodySchema<T>) => Promise<T>;
  /** Aborts when the caller is gone before the answer was complete. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** For instance `/auth/:provider`. */
  readonly path: string;
  /** Answers with JSON; `undefined` where it has answered itself. */
  handle(context: RouteContext): Promise<object | undefined> | object | undefined;
}

export type Router = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Finds the route of a request and answers it. Rejects with what the route threw. */
export function createRouter(routes: readonly Route[]): Router {
  const compiled = routes.map((route) => ({ route, parts: route.path.split('/') }));
  return async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://agent');
    const parts = url.pathname.split('/');
    const found = compiled.find(({ route, parts: wanted }) => route.method === request.method && fits(wanted, parts));
    if (!found) throw new SallyportError('NOT_FOUND', `The agent has no route ${request.method} ${url.pathname}.`);
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new SallyportError('REQUEST_INVALID', 'The caller went away.'));
    });
    const answer = await found.route.handle({
      request,
      response,
      query: url.searchParams,
      parameter: (name) => decode(parts[found.parts.indexOf(`:${name}`)] ?? ''),
      body: (schema) => readBody(request, schema),
      signal: gone.signal,
    });
    if (answer !== undefined) sendJson(response, 200, answer);
  };
}

function fits(wanted: readonly string[], parts: readonly string[]): boolean {
  return (
    wanted.length === parts.length &&
    wanted.every((part, index) => (part.startsWith(':') ? parts[index] !== '' : part === parts[index]))
  );
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new SallyportError('REQUEST_INVALID', 'The path is not valid percent-encoding.');
  }
}
