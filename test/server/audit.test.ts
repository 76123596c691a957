import { readFile } from 'node:fs/promises';

import { resolveUserId } from '@sallyport/core';
import { auditPageSchema } from '@sallyport/core/protocol';
import { auditTypes } from '@sallyport/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createIdentities } from './identities.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

const identities = createIdentities();
const { userId } = resolveUserId('ada');
let server: TestServer;
let admin: string;
let service: string;

beforeAll(async () => {
  server = await startTestServer({ authentication: identities.authentication });
  admin = await identities.apiKey('admin');
  service = await identities.apiKey('service');
  const { audit } = server.sallyport.store;
  for (let index = 0; index < 60; index += 1) {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(index / 2)));
    await audit.append({ at, type: index % 3 === 0 ? 'prompt.started' : 'prompt.ended', userId, data: { index } });
  }
});
afterAll(() => server.close());

const ask = (query: Readonly<Record<string, string>> = {}): Promise<Response> =>
  server.request(`/api/audit?${new URLSearchParams(query).toString()}`, {
    headers: { authorization: `Bearer ${admin}` },
  });
const pageOf = async (query?: Readonly<Record<string, string>>) =>
  auditPageSchema.parse(await (await ask(query)).json());

describe('GET /api/audit', () => {
  it('gives 50 entries, the newest first, and the rest behind the cursor', async () => {
    const first = await pageOf({ userId: 'ada' });
    expect(first.entries).toHaveLength(50);
    expect(first.entries[0]).toEqual({
      id: first.entries[0]?.id,
      at: '2026-01-01T00:00:29.000Z',
      type: 'prompt.ended',
      userId,
      data: { index: 59 },
    });
    const second = await pageOf({ userId: 'ada', cursor: first.nextCursor ?? '' });
    expect(second.nextCursor).toBeNull();
    const read = [...first.entries, ...second.entries].map(({ data }) => data['index']);
    expect(read).toEqual(Array.from({ length: 60 }, (_, index) => 59 - index));
  });

  it('says that there is no other page where the last one is full', async () => {
    const { entries, nextCursor } = await pageOf({ userId, type: 'prompt.started', limit: '20' });
    expect([entries.length, nextCursor]).toEqual([20, null]);
  });

  it('filters by user, type and time', async () => {
    const { entries } = await pageOf({
      userId,
      type: 'prompt.started',
      since: '2026-01-01T01:00:27+01:00',
      limit: '100',
    });
    expect(entries.map(({ data }) => data['index'])).toEqual([57, 54]);
    expect((await pageOf({ userId: 'bob' })).entries).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['a limit of 0', { limit: '0' }],
    ['a limit of 101', { limit: '101' }],
    ['half an entry', { limit: '1.5' }],
    ['no limit at all', { limit: '' }],
    ['a limit in hexadecimal', { limit: '0x10' }],
    ['a limit in words', { limit: 'all' }],
    ['a cursor that is none', { cursor: 'abc' }],
    ['a cursor of no entry', { cursor: '999999999999' }],
    ['a cursor too long for the database', { cursor: '9'.repeat(20) }],
    ['an unknown type', { type: 'prompt' }],
    ['a type that every object has', { type: 'toString' }],
    ['a time without a zone', { since: '2026-01-01T00:00:00' }],
    ['a day that does not exist', { since: '2026-02-30T00:00:00Z' }],
    ['a user without a name', { userId: '' }],
    ['an unknown filter', { before: '1' }],
  ])('refuses %s', async (_what, query) => {
    const response = await ask(query);
    expect([response.status, Object(await response.json()).code]).toEqual([400, 'REQUEST_INVALID']);
  });
});

it('a user token is in the audit log with its scopes and the key that made it, and not itself', async () => {
  const response = await server.request('/api/user-tokens', {
    method: 'POST',
    headers: { authorization: `Bearer ${service}`, 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'carol', scopes: ['prompt'], expiresIn: 60 }),
  });
  const { token, expiresAt, userId: carol } = Object(await response.json());
  const { entries } = await pageOf({ type: 'user-token.created' });
  expect(entries).toEqual([
    expect.objectContaining({
      userId: carol,
      data: { keyId: service.split('_')[2], scopes: ['prompt'], origin: null, expiresAt },
    }),
  ]);
  const signature = String(token).split('.').at(-1) ?? '';
  expect(JSON.stringify(await pageOf())).not.toContain(signature);
});

it('docs/operate.md explains every type of entry', async () => {
  const text = await readFile(new URL('../../docs/operate.md', import.meta.url), 'utf8');
  const section = text.split('## Reading the audit log')[1]?.split('\n## ')[0] ?? '';
  const rows = section
    .split('\n')
    .flatMap((line) => /^\| `([a-z-]+\.[a-z-]+)` +\| (.*?) *\|$/.exec(line)?.slice(1) ?? []);
  expect(rows).toEqual(Object.entries(auditTypes).flat());
});
