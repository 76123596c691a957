import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { text } from 'node:stream/consumers';

import { Secret, SallyportError } from '@sallyport/core';
import { z } from 'zod';

import type { LoggedRequest, RequestLog } from './request-log.ts';
import { type Controllable, sendJson } from './site.ts';

/** Steers a fake internet that runs in another process. */
export interface FakeInternetControl {
  /** Merges fault switches: `network` for the wire, further names for each fake service. */
  setFaults(faults: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<void>;
  /** The state of every controllable, by name. */
  state(signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
  log(signal?: AbortSignal): Promise<readonly LoggedRequest[]>;
}

export function createFakeInternetControl(socketPath: string): FakeInternetControl {
  return {
    async setFaults(faults, signal) {
      await call(socketPath, 'POST', '/faults', faults, signal);
    },
    async state(signal) {
      return z.record(z.string(), z.unknown()).parse(await call(socketPath, 'GET', '/state', undefined, signal));
    },
    async log(signal) {
      const entries = z.array(wireEntrySchema).parse(await call(socketPath, 'GET', '/log', undefined, signal));
      return entries.map((entry) => ({
        ...entry,
        query: new Secret(entry.query),
        authorization: new Secret(entry.authorization),
        body: new Secret(entry.body),
      }));
    },
  };
}

/** Serves the control routes. Its socket must be readable by its owner alone: the log holds tokens. */
export function createControlServer(controls: Readonly<Record<string, Controllable>>, log: RequestLog): Server {
  return createServer((request, response) => {
    answer(request, response, controls, log).catch((error: unknown) => {
      sendJson(response, 400, { error: { message: error instanceof Error ? error.message : String(error) } });
    });
  });
}

const wireEntrySchema = z.object({
  number: z.number(),
  at: z.number(),
  machineId: z.string(),
  userId: z.string(),
  purpose: z.string(),
  host: z.string(),
  method: z.string(),
  path: z.string(),
  query: z.string(),
  authorization: z.string().optional(),
  body: z.string(),
  shown: z.object({
    query: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
    answer: z.string().optional(),
  }),
  status: z.number().nullable(),
});

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  controls: Readonly<Record<string, Controllable>>,
  log: RequestLog,
): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case 'POST /faults': {
      const changes = z.record(z.string(), z.unknown()).parse(JSON.parse(await text(request)));
      for (const [name, change] of Object.entries(changes)) {
        const control = Object.hasOwn(controls, name) ? controls[name] : undefined;
        if (!control) throw new Error(`There is no ${name} here, only ${Object.keys(controls).join(', ')}.`);
        control.setFaults(change);
      }
      sendJson(response, 200, {});
      return;
    }
    case 'GET /state':
      sendJson(
        response,
        200,
        Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.state()])),
      );
      return;
    case 'GET /log':
      sendJson(
        response,
        200,
        log.entries().map((entry) => ({
          ...entry,
          query: entry.query.reveal(),
          authorization: entry.authorization.reveal(),
          body: entry.body.reveal(),
        })),
      );
      return;
    default:
      sendJson(response, 404, { error: { message: 'Known: POST /faults, GET /state, GET /log.' } });
  }
}

async function call(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest({ socketPath, method, path, ...(signal && { signal }) }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const answered: unknown = JSON.parse(await text(response));
  if (response.statusCode !== 200) {
    throw new SallyportError('REQUEST_INVALID', `The fake internet refused ${method} ${path}.`, {
      details: { answer: answered },
    });
  }
  return answered;
}
