import type { Answer } from './answer.ts';
import { fault } from './answer.ts';
import { findBody, findBodyProblem, isJson } from './api-schema.ts';
import type { Json } from './api-schema.ts';
import type { WireRequest } from './wire.ts';

/** A request that the API understood; whether it is allowed now is another matter. */
export interface ApiRequest {
  /** For instance `PUT /drives/{id}`. */
  readonly route: string;
  readonly id: string;
  readonly body: Json;
  readonly deprecated: boolean;
}

/** Body fields that hold the id of the path. */
const idFields: Readonly<Record<string, string>> = { drives: 'drive_id', pmem: 'id', 'network-interfaces': 'iface_id' };
const bodyless = new Set(['PATCH /balloon/hinting/start', 'PATCH /balloon/hinting/stop']);

/** The request behind the bytes, or the answer that refuses it. */
export function parseApiRequest({ method, path, body }: WireRequest): ApiRequest | Answer {
  const [first = '', ...rest] = path.replace(/^\/+/, '').split('/');
  const idField = idFields[first];
  const id = idField === undefined ? '' : (rest[0] ?? '');
  const route = `${method} ${idField === undefined ? path : `/${first}/{id}`}`;
  if (method === 'GET' && body !== undefined) {
    return fault('GET request cannot have a body.');
  }
  if (body === undefined && (method === 'PUT' || method === 'PATCH') && !bodyless.has(route)) {
    return fault(`Empty ${method} request.`);
  }
  if ((findBody(route) === undefined && !(method === 'DELETE' && idField !== undefined)) || rest.length > 2) {
    return fault(`Invalid request method and/or path: ${method} ${first}.`);
  }
  const parsed = parseBody(body ?? '{}');
  const problem = typeof parsed === 'string' ? parsed : findBodyProblem(route, parsed);
  if (problem !== undefined || typeof parsed === 'string') {
    return fault(`An error occurred when deserializing the json body of a request: ${problem}.`);
  }
  return (
    (idField !== undefined ? findIdFault(first, id, method === 'DELETE' ? id : parsed[idField]) : undefined) ??
    findArgumentFault(route, parsed) ?? { route, id, body: parsed, deprecated: isDeprecated(route, parsed) }
  );
}

export function isAnswer(value: ApiRequest | Answer): value is Answer {
  return 'status' in value;
}

function parseBody(text: string): Json | string {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : `invalid type: ${typeof value}, expected struct`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function findIdFault(kind: string, id: string, bodyId: unknown): Answer | undefined {
  if (id === '') {
    return fault('The ID cannot be empty.');
  }
  if (!/^[\p{L}\p{N}_]+$/u.test(id)) {
    return fault('API Resource IDs can only contain alphanumeric characters and underscores.');
  }
  if (id === bodyId) {
    return undefined;
  }
  return fault(
    kind === 'network-interfaces'
      ? `The id from the path [${id}] does not match the id from the body [${String(bodyId)}]!`
      : 'The id from the path does not match the id from the body!',
  );
}

/** What the swagger file says only in words. */
function findArgumentFault(route: string, body: Json): Answer | undefined {
  if (route !== 'PUT /snapshot/load') {
    return undefined;
  }
  const given = ['mem_backend', 'mem_file_path'].filter((name) => name in body).length;
  if (given === 1) {
    return undefined;
  }
  return fault(
    given === 0
      ? 'missing field: either `mem_backend` or `mem_file_path` is required'
      : 'too many fields: either `mem_backend` or `mem_file_path` exclusively is required',
  );
}

function isDeprecated(route: string, body: Json): boolean {
  return (
    ('vsock_id' in body && route === 'PUT /vsock') ||
    'cpu_template' in body ||
    ('mem_file_path' in body && route === 'PUT /snapshot/load') ||
    'enable_diff_snapshots' in body ||
    (route === 'PUT /mmds/config' && body['version'] !== 'V2')
  );
}
