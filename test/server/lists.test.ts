import { randomUUID } from 'node:crypto';

import { resolveUserId } from '@sallyport/core';
import type { PromptEvent } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createIdentities } from './identities.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

const identities = createIdentities();
let server: TestServer;
let tokens: Readonly<Record<'ada' | 'bob' | 'service', string>>;

beforeAll(async () => {
  server = await startTestServer({ authentication: identities.authentication });
  tokens = {
    ada: await identities.userToken('ada'),
    bob: await identities.userToken('bob'),
    service: await identities.apiKey('service'),
  };
});
afterAll(() => server.close());

async function addLogin({ sessions }: Store, userId: string): Promise<string> {
  const sessionId = randomUUID();
  const session = { sessionId, userId, host: 'h', provider: 'fake', method: 'browser', phase: 'preparing' };
  await sessions.create({ ...session, display: 'local', browserMachineId: null });
  const change = { status: 'failed', errorCode: 'LOGIN_DENIED', authUrl: 'https://canary.example/' } as const;
  await sessions.update(sessionId, change, { type: 'done', status: 'failed', phase: 'failed', message: 'x' });
  return sessionId;
}

async function addPrompt({ prompts }: Store, userId: string): Promise<string> {
  const promptId = randomUUID();
  const prompt = { promptId, userId, host: 'h', provider: 'fake', conversationId: promptId };
  const events: readonly PromptEvent[] = [
    { type: 'text', text: 'canary' },
    { type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED', message: 'canary' },
  ];
  await prompts.create(prompt, { type: 'prompt-start', promptId, provider: 'fake' });
  await prompts.append(promptId, events);
  return promptId;
}

const time: unknown = expect.stringMatching(/^\d{4}-.*Z$/);
const lists = [
  {
    path: '/api/auth/sessions',
    add: addLogin,
    item: (sessionId: string) => ({
      sessionId,
      provider: 'fake',
      method: 'browser',
      status: 'failed',
      errorCode: 'LOGIN_DENIED',
      createdAt: time,
      updatedAt: time,
    }),
  },
  {
    path: '/api/vm/cli/prompts',
    add: addPrompt,
    item: (promptId: string) => ({
      promptId,
      provider: 'fake',
      conversationId: promptId,
      status: 'failed',
      errorCode: 'PROMPT_FAILED',
      createdAt: time,
      endedAt: time,
    }),
  },
  {
    path: '/api/vm/cli/conversations',
    add: addPrompt,
    item: (conversationId: string) => ({
      conversationId,
      provider: 'fake',
      createdAt: time,
      lastPromptAt: time,
      prompts: 1,
    }),
  },
];

const ask = (path: string, token: string, query: Readonly<Record<string, string>> = {}): Promise<Response> =>
  server.request(`${path}?${new URLSearchParams(query).toString()}`, { headers: { authorization: `Bearer ${token}` } });

describe.each(lists)('GET $path', ({ path, add, item }) => {
  it("shows the user's own rows, by 20, each once while new ones arrive, to the user and to a backend", async () => {
    const { store } = server.sallyport;
    const [name, other] = [`ada-${randomUUID()}`, `bob-${randomUUID()}`];
    const [{ userId }, { userId: otherId }] = [resolveUserId(name), resolveUserId(other)];
    const added = new Set<string>();
    for (let count = 0; count < 25; count += 1) added.add(await add(store, userId));
    const others = await add(store, otherId);
    const token = await identities.userToken(name);

    const text = await (await ask(path, token)).text();
    expect(text).not.toContain('canary');
    const first = JSON.parse(text);
    expect(first.items).toHaveLength(20);
    await add(store, userId);
    const second = Object(await (await ask(path, tokens.service, { userId: name, cursor: first.nextCursor })).json());
    const read: readonly unknown[] = [...first.items, ...second.items];
    for (const id of added) expect(read.filter((each) => JSON.stringify(each).includes(id))).toEqual([item(id)]);
    expect(second.nextCursor).toBeNull();

    // A cursor says where to go on, and not whose rows.
    const theirs = await ask(path, await identities.userToken(other), { limit: '1' });
    expect(await theirs.json()).toEqual({ items: [item(others)], nextCursor: null });
    const askedByOther = await ask(path, await identities.userToken(other), { cursor: first.nextCursor });
    for (const id of added) expect(await askedByOther.clone().text()).not.toContain(id);
  });

  it('says that there is no other page where the last one is full', async () => {
    const name = `ada-${randomUUID()}`;
    const { userId } = resolveUserId(name);
    for (let count = 0; count < 2; count += 1) await add(server.sallyport.store, userId);
    const page = Object(await (await ask(path, tokens.service, { userId: name, limit: '2' })).json());
    expect([page.items.length, page.nextCursor]).toEqual([2, null]);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['a limit of 0', { limit: '0' }],
    ['a limit of 101', { limit: '101' }],
    ['half a row', { limit: '1.5' }],
    ['no limit at all', { limit: '' }],
    ['a cursor in words', { cursor: 'the first' }],
    ['an empty cursor', { cursor: '' }],
    ['a cursor that is too long', { cursor: 'A'.repeat(513) }],
    ['a cursor of bytes', { cursor: Buffer.from([0, 255, 10]).toString('base64url') }],
    ['a cursor without an id', { cursor: encode('2026-01-01T00:00:00.000000Z') }],
    ['a cursor with half an id', { cursor: encode('2026-01-01T00:00:00.000000Z x') }],
    ['a cursor with an id that is a statement', { cursor: encode("2026-01-01T00:00:00.000000Z fake/';--") }],
    ['a cursor of a day that does not exist', { cursor: encode(`2026-02-30T00:00:00.000000Z ${randomUUID()}`) }],
    ['a cursor of the year 0', { cursor: encode(`0000-01-01T00:00:00.000000Z ${randomUUID()}`) }],
    ['a cursor with more behind it', { cursor: encode(`2026-01-01T00:00:00.000000Z ${randomUUID()} x`) }],
    ['an unknown filter', { provider: 'fake' }],
  ])('refuses %s', async (_what, query) => {
    const response = await ask(path, tokens.ada, query);
    const { code, detail } = Object(await response.json());
    expect([response.status, code]).toEqual([400, 'REQUEST_INVALID']);
    expect(detail).toMatch(/querystring.*(must be|provider|Too big)/);
  });
});

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
