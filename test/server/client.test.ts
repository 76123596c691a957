import { randomUUID } from 'node:crypto';

import { createSallyport } from '@sallyport/client';
import type { PromptRun } from '@sallyport/client';
import { resolveUserId } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import type { Store } from '@sallyport/core/store';
import { afterEach, describe, expect, it } from 'vitest';

import { startCutRelay } from './cut-relay.ts';
import type { CutRelay } from './cut-relay.ts';
import { createIdentities } from './identities.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer, TestServerOptions } from './test-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A server, and a client whose network can be cut. */
async function setUp(options: TestServerOptions = {}) {
  const relay = await startCutRelay();
  const address = { origin: relay.url, allowedOrigins: [] };
  const start = async (): Promise<TestServer> => {
    const server = await startTestServer({ ...options, address });
    relay.target = Number(new URL(server.url).port);
    return server;
  };
  const server = await start();
  closing.push(() => server.close(), relay.close);
  return { start, server, relay, client: createSallyport({ baseUrl: relay.url }) };
}

const text = (piece: string): ExecuteEvent => ({ type: 'stdout', line: JSON.stringify({ type: 'text', text: piece }) });
const end: ExecuteEvent = { type: 'exit', code: 0, signal: null, reason: 'ended' };
const request = { provider: 'fake', prompt: 'hello' };

interface Read {
  readonly ids: number[];
  text: string;
  outcome?: string;
}

/** Follows a prompt to its end. After each of the given pieces the rest of the network, and of the output, comes. */
async function read(run: PromptRun, after: Readonly<Record<string, () => unknown>> = {}): Promise<Read> {
  const seen: Read = { ids: [], text: '' };
  for await (const event of run) {
    seen.ids.push(event.id);
    if (event.type === 'prompt-end') seen.outcome = event.outcome;
    if (event.type !== 'text') continue;
    seen.text += event.text;
    await after[event.text]?.();
  }
  return seen;
}

async function storedIds({ sallyport }: Pick<TestServer, 'sallyport'>, promptId = ''): Promise<readonly number[]> {
  return (await sallyport.store.prompts.events(promptId, 0, 1000)).map(({ id }) => id);
}

function cutThenGoOn(relay: CutRelay, server: TestServer, ...more: ExecuteEvent[]): () => void {
  return () => {
    relay.cut();
    server.output.put(...more);
  };
}

describe('a prompt of the client', () => {
  it('arrives whole, each event once, over a network that is cut twice', async () => {
    const { server, relay, client } = await setUp();
    await server.connect();
    server.output.put(text('a'));
    const run = client.prompt(request);
    const seen = await read(run, {
      a: cutThenGoOn(relay, server, text('b')),
      b: cutThenGoOn(relay, server, text('c'), end),
    });
    expect(seen).toMatchObject({ text: 'abc', outcome: 'completed' });
    expect(seen.ids).toEqual(await storedIds(server, run.promptId));
    expect(server.executed).toHaveLength(1);
  });

  it('goes on where another client of the same prompt left it', async () => {
    const { server, client } = await setUp();
    await server.connect();
    server.output.put(text('a'), text('b'), end);
    const run = client.prompt(request);
    const { ids } = await read(run);
    const later: number[] = [];
    for await (const { id } of client.promptRun(run.promptId ?? '').events({ after: ids[1] ?? 0 })) later.push(id);
    expect(later).toEqual(ids.slice(2));
    for await (const event of client.promptRun(run.promptId ?? '').events({ after: ids.at(-1) ?? 0 }))
      expect.fail(`${event.type} follows the end`);
  });

  it('survives a restart of the server, and tells how the prompt ended', async () => {
    const shared: { store?: Store } = {};
    const keep = (store: Store): Store => (shared.store ??= { ...store, close: async () => undefined });
    const { start, server, relay, client } = await setUp({ store: keep });
    await server.connect();
    server.output.put(text('a'));
    const run = client.prompt(request);
    const seen = await read(run, {
      a: async () => {
        relay.target = undefined;
        await server.close();
        closing.splice(0, 1);
        const next = await start();
        closing.push(() => next.close());
      },
    });
    expect(seen).toMatchObject({ text: 'a', outcome: 'failed' });
    expect(seen.ids).toEqual(
      await storedIds({ sallyport: { ...server.sallyport, store: keep(Object({})) } }, run.promptId),
    );
  });

  it('runs once, even if the connection breaks before the server has answered', async () => {
    let cut: (() => void) | undefined;
    const { server, relay, client } = await setUp({
      store: (store) => {
        const create: Store['prompts']['create'] = async (...prompt) => {
          const made = await store.prompts.create(...prompt);
          cut?.();
          cut = undefined;
          return made;
        };
        return { ...store, prompts: { ...store.prompts, create } };
      },
    });
    cut = relay.cut;
    await server.connect();
    server.output.put(text('a'), end);
    expect(await client.prompt(request).result()).toMatchObject({ text: 'a' });
    expect(server.executed).toHaveLength(1);
  });

  it('throws what the server says, with its code, hint and status', async () => {
    const { client } = await setUp();
    await expect(client.prompt(request).result()).rejects.toMatchObject({
      name: 'SallyportError',
      code: 'CREDENTIAL_NOT_CONNECTED',
      status: 409,
      hint: expect.stringMatching(/./),
      requestId: expect.stringMatching(/./),
    });
  });

  it('throws the code of an end that is not a good one', async () => {
    const { server, client } = await setUp();
    await server.connect();
    server.output.put({ type: 'exit', code: 3, signal: null, reason: 'ended' });
    await expect(client.prompt(request).result()).rejects.toMatchObject({ code: 'PROMPT_FAILED' });
  });

  it('is left by an aborted signal, and cancelled only if it is told to be', async () => {
    const { server, client } = await setUp();
    await server.connect();
    server.output.put(text('a'));
    const leaving = new AbortController();
    const run = client.prompt(request, { signal: leaving.signal });
    const reason = new Error('enough');
    await expect(read(run, { a: () => leaving.abort(reason) })).rejects.toBe(reason);
    const status = async () => (await server.sallyport.store.prompts.get(run.promptId ?? ''))?.status;
    expect(await status()).toBe('running');
    await run.cancel();
    expect(await status()).toBe('cancelled');
  });

  it('says that the server cannot be reached, after as many attempts as it may make', async () => {
    const relay = await startCutRelay();
    closing.push(relay.close);
    let attempts = 0;
    const client = createSallyport({
      baseUrl: relay.url,
      retries: 2,
      fetch: (...asked) => {
        attempts += 1;
        return fetch(...asked);
      },
    });
    await expect(client.prompt(request).result()).rejects.toMatchObject({ code: 'UNREACHABLE', retryable: true });
    expect(attempts).toBe(3);
  });
});

describe('a login of the client', () => {
  it('tells of each event once, over a network that is cut', async () => {
    const { server, relay, client } = await setUp();
    const login = await client.connect({ provider: 'fake' });
    expect(login.started).toMatchObject({ sessionId: login.sessionId, status: 'pending' });
    const ids: number[] = [];
    let last = '';
    for await (const event of login) {
      ids.push(event.id);
      last = event.status;
      if (event.phase === 'starting-login') {
        relay.cut();
        await login.cancel();
      }
    }
    expect(last).toBe('cancelled');
    const stored = await server.sallyport.store.sessions.events(login.sessionId, 0);
    expect(ids).toEqual(stored.map(({ id }) => id));
    expect(await login.status()).toMatchObject({ status: 'cancelled', errorCode: 'LOGIN_CANCELLED' });
  });
});

describe('the lists of the client', () => {
  it('follow the cursor to their end, and ask for no page that nobody reads', async () => {
    const { server } = await setUp();
    const asked: string[] = [];
    const client = createSallyport({
      baseUrl: server.url,
      userId: 'ada',
      fetch: (url, init) => {
        const sent = new Request(url, init);
        asked.push(new URL(sent.url).search);
        return fetch(sent);
      },
    });
    const { userId } = resolveUserId('ada');
    const added: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const promptId = randomUUID();
      const prompt = { promptId, userId, host: 'h', provider: 'fake', conversationId: `c-${count % 3}` };
      await server.sallyport.store.prompts.create(prompt, { type: 'prompt-start', promptId, provider: 'fake' });
      added.push(promptId);
    }
    const rows: string[] = [];
    for await (const { promptId, status } of client.prompts({ limit: 2 })) rows.push(`${promptId} ${status}`);
    expect(rows.toSorted()).toEqual(added.map((id) => `${id} running`).toSorted());
    expect(asked).toHaveLength(3);
    expect(asked[0]).toBe('?userId=ada&limit=2');
    for await (const { promptId } of client.prompts({ limit: 2 })) {
      expect(added).toContain(promptId);
      break;
    }
    expect(asked).toHaveLength(4);
    const counts: Record<string, number> = {};
    for await (const { conversationId, prompts } of client.conversations()) counts[conversationId] = prompts;
    expect(counts).toEqual({ 'c-0': 2, 'c-1': 2, 'c-2': 1 });
  });

  it('have logins, and throw what the server says', async () => {
    const { client } = await setUp();
    const login = await client.connect({ provider: 'fake' });
    await login.cancel();
    const seen: unknown[] = [];
    for await (const { sessionId, status, errorCode } of client.logins()) seen.push({ sessionId, status, errorCode });
    expect(seen).toEqual([{ sessionId: login.sessionId, status: 'cancelled', errorCode: 'LOGIN_CANCELLED' }]);
    const next = client.logins({ limit: 101 })[Symbol.asyncIterator]().next();
    await expect(next).rejects.toMatchObject({ code: 'REQUEST_INVALID', status: 400 });
  });
});

it('the client prepares for a login, and reads one machine', async () => {
  const { server, client } = await setUp();
  await client.prepare();
  await client.prepare('fake');
  await expect(client.prepare('nothing')).rejects.toMatchObject({ code: 'PROVIDER_UNKNOWN' });
  await server.connect();
  await client.preparePrompt({ provider: 'fake', tools: 'read-only' });
  await expect(client.preparePrompt({ provider: 'nothing' })).rejects.toMatchObject({ code: 'PROVIDER_UNKNOWN' });
  server.output.put(text('a'), end);
  await client.prompt(request).result();
  const [machine] = await client.machines();
  expect(await client.machine(machine?.vmId ?? '')).toEqual(machine);
  await expect(client.machine('m-none')).rejects.toMatchObject({ code: 'MACHINE_UNKNOWN', status: 404 });
});

describe('the token of the client', () => {
  it('is asked for again when it has ended, and a backend acts for the user it names', async () => {
    const identities = createIdentities();
    const { server, relay } = await setUp({ authentication: identities.authentication });
    const tokens = [await identities.userToken('ada', { expiresInSeconds: -1 }), await identities.userToken('ada')];
    const page = createSallyport({ baseUrl: relay.url, token: () => tokens.shift() ?? '' });
    expect((await page.providers()).map(({ id }) => id)).toEqual(['fake']);

    const key = await identities.apiKey('service');
    const backend = createSallyport({ baseUrl: relay.url, token: key, userId: 'ada' });
    await backend.importCredential('fake', {
      files: { auth: JSON.stringify({ token: 't', account: 'ada', issuedAt: 1 }) },
    });
    expect(await backend.credentials()).toMatchObject([{ provider: 'fake', valid: true }]);
    const made = await backend.createUserToken({ userId: 'ada', scopes: ['prompt'], expiresIn: 60 });
    const own = createSallyport({ baseUrl: relay.url, token: made.token });
    server.output.put(text('a'), end);
    expect(await own.prompt(request).result()).toMatchObject({ text: 'a' });
    await expect(own.disconnect('fake')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await backend.disconnect('fake')).toEqual({ vendorRevoked: 'unknown' });
  });

  it('is asked for again where the network is away, and what else its function throws reaches the caller', async () => {
    const identities = createIdentities();
    const { relay } = await setUp({ authentication: identities.authentication });
    const errors: Error[] = [new TypeError('fetch failed'), new RangeError('The session has ended.')];
    const page = createSallyport({
      baseUrl: relay.url,
      token: async () => {
        const error = errors.shift();
        if (error) throw error;
        return identities.userToken('ada');
      },
    });
    await expect(page.providers()).rejects.toThrow('The session has ended.');
    expect((await page.providers()).map(({ id }) => id)).toEqual(['fake']);
    expect(errors).toEqual([]);
  });
});

describe('a connection that breaks', () => {
  it('is opened again for what only reads, and a call that changes something fails', async () => {
    const { server, relay } = await setUp();
    await server.connect();
    let failures = 0;
    const client = createSallyport({
      baseUrl: relay.url,
      fetch: async (...asked) => {
        if (failures === 0) return fetch(...asked);
        failures -= 1;
        throw new TypeError('fetch failed');
      },
    });
    failures = 1;
    expect(await client.credentials()).toMatchObject([{ provider: 'fake' }]);
    failures = 1;
    await expect(client.disconnect('fake')).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(await client.credentials()).toMatchObject([{ provider: 'fake' }]);
  });
});
