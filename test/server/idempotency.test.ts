import { createHash, randomUUID } from 'node:crypto';

import { resolveUserId } from '@sallyport/core';
import { canonicalJson } from '@sallyport/core/engine';
import { problemSchema, startedLoginSchema } from '@sallyport/core/protocol';
import type { Store } from '@sallyport/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;
/** While set, the next prompt says that it is about to be written, and waits. */
let held: { readonly reached: PromiseWithResolvers<void>; readonly open: PromiseWithResolvers<void> } | undefined;

/** How much older claims of keys seem. */
let agedMs = 0;

beforeAll(async () => {
  server = await startTestServer({ store: holdable });
  await server.connect();
});
afterAll(() => server.close());

function holdable(store: Store): Store {
  const create: Store['prompts']['create'] = async (prompt, first) => {
    const gate = held;
    gate?.reached.resolve();
    await gate?.open.promise;
    return store.prompts.create(prompt, first);
  };
  const claim: Store['idempotency']['claim'] = async (scope, wanted) => {
    const found = await store.idempotency.claim(scope, wanted);
    return found && { ...found, ageMs: found.ageMs + agedMs };
  };
  return {
    ...store,
    prompts: { ...store.prompts, create },
    idempotency: { ...store.idempotency, claim },
  };
}

function post(path: string, key: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  return server.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

const prompts = '/api/vm/cli/prompt';
const hello = { provider: 'fake', prompt: 'hello' };
const problem = async (response: Response) => problemSchema.parse(await response.json());
const addressOf = ({ headers }: Response): string => headers.get('location') ?? '';

/** Ends a prompt, so that it takes no place. */
async function cancel(response: Response): Promise<void> {
  expect((await server.request(addressOf(response), { method: 'DELETE' })).status).toBe(204);
}

describe('a prompt sent again with the same Idempotency-Key', () => {
  it('is the same prompt: it runs once, and its stream begins at the beginning', async () => {
    const key = randomUUID();
    const first = await post(prompts, key, hello);
    expect(first.status).toBe(200);
    const again = await post(prompts, key, { prompt: 'hello', provider: 'fake' });
    expect(again.status).toBe(200);
    expect(addressOf(again)).toBe(addressOf(first));
    await cancel(first);
    const [stream, streamAgain] = [await first.text(), await again.text()];
    expect(streamAgain).toBe(stream);
    // Also after its end.
    expect(addressOf(await post(prompts, key, hello))).toBe(addressOf(first));
    expect(server.executed.filter(({ prompt }) => prompt.includes('hello')).length).toBeLessThanOrEqual(1);
  });

  it('is refused with 422 if the body is another one', async () => {
    const key = randomUUID();
    const first = await post(prompts, key, hello);
    const other = await post(prompts, key, { ...hello, prompt: 'something else' });
    expect(other.status).toBe(422);
    expect(await problem(other)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', retryable: false });
    await cancel(first);
  });

  it('is refused with 409 while the first one is not yet accepted', async () => {
    const key = randomUUID();
    held = { reached: Promise.withResolvers(), open: Promise.withResolvers() };
    const { reached, open } = held;
    const first = post(prompts, key, hello);
    await reached.promise;
    held = undefined;
    const early = await post(prompts, key, hello);
    expect(early.status).toBe(409);
    expect(early.headers.get('retry-after')).toBe('1');
    expect(await problem(early)).toMatchObject({ code: 'IDEMPOTENCY_KEY_IN_USE', retryable: true });
    open.resolve();
    const accepted = await first;
    expect(addressOf(await post(prompts, key, hello))).toBe(addressOf(accepted));
    await cancel(accepted);
  });

  it('belongs to one user and one route', async () => {
    const key = randomUUID();
    await server.connect('ada');
    const mine = await post(prompts, key, hello);
    const hers = await post(prompts, key, { ...hello, userId: 'ada' });
    expect(hers.status).toBe(200);
    expect(addressOf(hers)).not.toBe(addressOf(mine));
    const login = await post('/api/auth/start', key, { provider: 'fake', method: 'paste' });
    expect(login.status).not.toBe(422);
    await cancel(mine);
    await cancel(hers);
  });

  it('is a new prompt if a server died before it created the first one', async () => {
    const key = randomUUID();
    const { userId } = resolveUserId(undefined);
    const bodyHash = createHash('sha256').update(canonicalJson(hello)).digest('hex');
    const scope = { userId, route: `POST ${prompts}`, key };
    const resourceId = randomUUID();
    await server.sallyport.store.idempotency.claim(scope, { bodyHash, resourceId });
    expect((await post(prompts, key, hello)).status).toBe(409);
    agedMs = 3 * 60_000;
    const accepted = await post(prompts, key, hello);
    expect(accepted.status).toBe(200);
    expect(addressOf(accepted)).not.toContain(resourceId);
    expect(addressOf(await post(prompts, key, hello))).toBe(addressOf(accepted));
    agedMs = 0;
    await cancel(accepted);
  });

  it('is the first one if a server died just after it created that', async () => {
    const key = randomUUID();
    const first = await post(prompts, randomUUID(), hello);
    const bodyHash = createHash('sha256').update(canonicalJson(hello)).digest('hex');
    const scope = { userId: resolveUserId(undefined).userId, route: `POST ${prompts}`, key };
    const resourceId = addressOf(first).slice(`${prompts}/`.length);
    await server.sallyport.store.idempotency.claim(scope, { bodyHash, resourceId });
    expect(addressOf(await post(prompts, key, hello))).toBe(addressOf(first));
    await cancel(first);
  });

  it('is a new try if the first one was refused', async () => {
    const key = randomUUID();
    const refused = await post(prompts, key, { ...hello, userId: 'bo' });
    expect(await problem(refused)).toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
    await server.connect('bo');
    const accepted = await post(prompts, key, { ...hello, userId: 'bo' });
    expect(accepted.status).toBe(200);
    await cancel(accepted);
  });
});

describe('a login started again with the same Idempotency-Key', () => {
  it('is the same session, and another one is refused as before', async () => {
    const key = randomUUID();
    const body = { provider: 'fake', userId: 'grace', method: 'paste' };
    const first = await post('/api/auth/start', key, body);
    expect(first.status).toBe(201);
    const { sessionId } = startedLoginSchema.parse(await first.json());
    const again = await post('/api/auth/start', key, body);
    expect(again.status).toBe(201);
    expect(startedLoginSchema.parse(await again.json()).sessionId).toBe(sessionId);
    expect(await problem(await post('/api/auth/start', randomUUID(), body))).toMatchObject({
      code: 'LOGIN_IN_PROGRESS',
    });
    await server.post(`/api/auth/session/${sessionId}/cancel`, {});
  });
});

describe('an Idempotency-Key', () => {
  it.each([
    ['empty', ''],
    ['too long', 'k'.repeat(129)],
    ['with a space', 'a b'],
    ['beyond ASCII', 'schl\u00fcssel'],
  ])('that is %s is refused with 400', async (_what, key) => {
    const response = await post(prompts, key, hello);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({
      code: 'REQUEST_INVALID',
      detail: expect.stringContaining('Idempotency-Key'),
    });
  });

  it('may have 128 characters', async () => {
    const response = await post(prompts, 'k'.repeat(128), hello);
    expect(response.status).toBe(200);
    await cancel(response);
  });

  it('is in the OpenAPI description of the routes that take it', async () => {
    const { paths } = Object(await (await server.request('/openapi.json')).json());
    for (const path of [prompts, '/api/auth/start'])
      expect(paths[path].post.parameters).toContainEqual(
        expect.objectContaining({ in: 'header', name: 'idempotency-key', required: false }),
      );
    expect(paths['/api/credentials/{provider}'].post.parameters).not.toContainEqual(
      expect.objectContaining({ name: 'idempotency-key' }),
    );
  });
});
