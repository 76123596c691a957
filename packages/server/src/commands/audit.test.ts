import { resolveUserId, systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import { createVirtualClock } from '@sallyport/testkit';
import { beforeEach, expect, it } from 'vitest';

import { runCommand } from '../../../../test/setup/run-command.ts';
import { registerAudit } from './audit.ts';

type Options = Readonly<Record<string, string | true>>;

const { userId } = resolveUserId('ada@example.org');
let store: ReturnType<typeof createMemoryStore>;

beforeEach(async () => {
  store = createMemoryStore({ clock: systemClock });
  const at = (hour: number) => new Date(Date.UTC(2026, 10, 29, hour));
  await store.audit.append({ at: at(1), type: 'prompt.started', userId, data: { promptId: 'p', provider: 'fake' } });
  await store.audit.append({ at: at(2), type: 'egress.refused', userId, data: { host: 'a\u009b31m\u202eb' } });
  await store.audit.append({ at: at(3), type: 'api-key.created', userId: null, data: { name: 'the backend' } });
});

async function run(options: Options = {}, words: readonly string[] = []): Promise<readonly string[]> {
  const printed: string[] = [];
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  );
  const withStore = (work: (opened: typeof store) => Promise<void>) => work(store);
  const print = (line: string) => void printed.push(line);
  await runCommand(registerAudit, ['audit', ...words, ...flags], () => ({
    clock: createVirtualClock(),
    environment: () => {
      throw new Error('No database is asked for.');
    },
    print,
    withStore,
  }));
  return printed;
}

it('lists the newest entries first, one a line, without what a terminal obeys', async () => {
  const [newest, refused, oldest, ...others] = await run({}, ['list']);
  expect(newest).toMatch(/^2026-11-29T03:00:00\.000Z {2}api-key\.created +- +name="the backend"$/);
  expect(refused).toContain(String.raw`host="a\u{9b}31m\u{202e}b"`);
  expect(oldest).toMatch(new RegExp(`prompt\\.started +${userId} +promptId=p +provider=fake$`));
  expect(others).toEqual([]);
});

it.each<[string, Options, number]>([
  ['a user by the name that the product uses', { user: 'ada@example.org' }, 2],
  ['a user by their UUID', { user: userId }, 2],
  ['a type', { type: 'egress.refused' }, 1],
  ['a time', { since: '2026-11-29T02:00:00Z' }, 2],
  ['a time of another zone', { since: '2026-11-29T03:00:00+01:00' }, 2],
  ['a day', { since: '2026-11-30' }, 0],
  ['a number', { limit: '1' }, 1],
])('restricts the list by %s', async (_what, options, count) => {
  expect(await run({ ...options, json: true })).toHaveLength(count);
});

it('prints JSON that a program reads and a terminal does not obey', async () => {
  const [line = ''] = await run({ type: 'egress.refused', json: true });
  expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  const [entry] = await store.audit.list({ limit: 1, type: 'egress.refused' });
  expect(JSON.parse(line)).toEqual({ ...entry, at: entry?.at.toISOString() });
});

it('reads as many pages as the limit asks for', async () => {
  for (let index = 0; index < 600; index += 1) {
    await store.audit.append({ at: new Date(index), type: 'user.erased', userId, data: { index } });
  }
  expect(new Set(await run({ limit: '550' })).size).toBe(550);
  expect(new Set(await run({ limit: '9999' })).size).toBe(603);
});

it('says that nothing was found', async () => {
  expect(await run({ type: 'user.erased' })).toEqual(['There is no such entry in the audit log.']);
});

it.each<[string, Options, readonly string[], RegExp]>([
  ['another word', {}, ['delete'], /'delete' is invalid for argument 'action'\. Allowed choices are list/],
  ['too many words', {}, ['list', 'x'], /Expected 1 argument but got 2: list, x/],
  ['an unknown type', { type: 'login' }, [], /'login' is invalid\. The types are .*login\.started/],
  ['a limit of nothing', { limit: '0' }, [], /'0' is invalid\. It must be a whole number from 1 to 9999999/],
  ['a limit that is not a number', { limit: '1e3' }, [], /'1e3' is invalid\. It must be a whole number/],
  ['a time that is none', { since: 'yesterday' }, [], /'yesterday' is invalid\. It must be a time/],
  ['a day that is none', { since: '2026-02-30' }, [], /'2026-02-30' is invalid\. It must be a time/],
  ['a user without a name', { user: '' }, [], /userId must be/],
])('refuses %s', async (_what, options, words, message) => {
  await expect(run(options, words)).rejects.toThrow(message);
});

it.each([{}, { before: '2100-01-01' }])('deletes nothing without a time that is long ago: %j', async (options) => {
  await expect(run(options, ['prune'])).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    hint: expect.stringContaining('--before'),
  });
});
