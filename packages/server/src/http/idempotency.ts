import { createHash, randomUUID } from 'node:crypto';

import { SallyportError } from '@sallyport/core';
import { canonicalJson } from '@sallyport/core/engine';
import type { IdempotencyRecord, IdempotencyScope, IdempotencyStore } from '@sallyport/core/store';
import type { FastifyRequest } from 'fastify';

/** In a route's `config`: the route takes an Idempotency-Key. */
declare module 'fastify' {
  interface FastifyContextConfig {
    readonly isIdempotent?: boolean;
  }
}

export interface IdempotentCreation<T> {
  readonly userId: string;
  /** All of the body that decides what is created. */
  readonly body: unknown;
  /** Whether something with this id was created. */
  exists(id: string): Promise<boolean>;
  /** Creates it, with this id. */
  create(id: string): Promise<T>;
}

export interface CreatedOnce<T> {
  readonly id: string;
  /** `undefined` if an earlier request has created it. */
  readonly created: T | undefined;
}

/** A claim without a result is given up after this: its server has died. */
const ABANDONED_MS = 2 * 60_000;
const keyPattern = /^[\x21-\x7e]{1,128}$/;

/**
 * Creates something, or finds what the same request has created before: the same user, route, Idempotency-Key and body.
 * A request that fails is forgotten, so that it can be sent again.
 */
export async function createOnce<T>(
  store: IdempotencyStore,
  request: FastifyRequest,
  creation: IdempotentCreation<T>,
): Promise<CreatedOnce<T>> {
  const key = readKey(request);
  const id = randomUUID();
  if (key === undefined) return { id, created: await creation.create(id) };
  const scope = { userId: creation.userId, route: `${request.method} ${request.routeOptions.url ?? ''}`, key };
  const bodyHash = createHash('sha256').update(canonicalJson(creation.body)).digest('hex');
  const claim = (): Promise<IdempotencyRecord | undefined> => store.claim(scope, { bodyHash, resourceId: id });
  let earlier = await claim();
  if (earlier && (await isAbandoned(store, scope, earlier, creation))) earlier = await claim();
  if (earlier) return { id: await readResult(earlier, bodyHash, creation), created: undefined };
  const created = await creation.create(id).catch(async (error: unknown) => {
    await store.release(scope, id).catch((cause: unknown) => noteFailure(request, cause));
    throw error;
  });
  // Not worth a failure: what was created is found by its id.
  await store.complete(scope, id).catch((cause: unknown) => noteFailure(request, cause));
  return { id, created };
}

async function readResult(
  { bodyHash, resourceId, isCompleted }: IdempotencyRecord,
  wanted: string,
  { exists }: Pick<IdempotentCreation<unknown>, 'exists'>,
): Promise<string> {
  if (bodyHash !== wanted)
    throw new SallyportError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was sent before with another body.');
  if (isCompleted || (await exists(resourceId))) return resourceId;
  throw new SallyportError('IDEMPOTENCY_KEY_IN_USE', 'The first request with this Idempotency-Key is still running.', {
    details: { retryAfterSeconds: 1 },
  });
}

/** Frees the key of a request that a server has left half done, before anything was created. */
async function isAbandoned(
  store: IdempotencyStore,
  scope: IdempotencyScope,
  { resourceId, isCompleted, ageMs }: IdempotencyRecord,
  { exists }: Pick<IdempotentCreation<unknown>, 'exists'>,
): Promise<boolean> {
  if (isCompleted || ageMs < ABANDONED_MS || (await exists(resourceId))) return false;
  await store.release(scope, resourceId);
  return true;
}

function readKey({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && keyPattern.test(key)) return key;
  throw new SallyportError('REQUEST_INVALID', 'The header Idempotency-Key is not a valid key.', {
    hint: 'Send 1 to 128 printable ASCII characters without spaces, for instance a UUID.',
  });
}

function noteFailure(request: FastifyRequest, error: unknown): void {
  request.log.warn({ err: error }, 'An Idempotency-Key could not be updated');
}
