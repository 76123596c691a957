import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import { beforeEach, expect, it } from 'vitest';

import { runCommand } from '../../../../test/setup/run-command.ts';
import { readEnvironment } from '../config/environment.ts';
import { checkApiKey } from '../auth/api-key.ts';
import { registerApiKeys } from './api-keys.ts';

const clock = systemClock;
let store: ReturnType<typeof createMemoryStore>;
let printed: string[];
let remarks: string[];

beforeEach(() => {
  store = createMemoryStore({ clock });
  printed = [];
  remarks = [];
});

async function run(words: readonly string[], role?: string): Promise<readonly string[]> {
  printed = [];
  remarks = [];
  const remark = (line: string) => void remarks.push(line);
  const print = (line: string) => void printed.push(line);
  const args = ['api-keys', ...words, ...(role === undefined ? [] : ['--role', role])];
  const withStore = (work: (opened: typeof store) => Promise<void>) => work(store);
  await runCommand(registerApiKeys, args, (given) => ({
    words: given,
    clock,
    print,
    remark,
    environment: () => readEnvironment({ SALLYPORT_DATA_DIR: '/srv/sallyport' }, '/'),
    withStore,
  }));
  return printed;
}

const check = (key: string) =>
  checkApiKey(key, { store: store.apiKeys, clock, onBackgroundError: (_what, error) => expect(error).toBeUndefined() });

it('makes a key that works, and prints it once', async () => {
  const [key = '', ...more] = await run(['create', 'the backend']);
  const { keyId } = await check(key);
  // A script takes the whole output as the key.
  expect(more).toEqual([]);
  expect(remarks.join()).toContain(`key ${keyId} of the role service`);
  expect(remarks.at(-1)).toBe('It works with servers that use the data directory /srv/sallyport.');
  const listed = (await run([])).join('\n');
  expect(listed).toMatch(new RegExp(`${keyId} +service +made \\d{4}-\\d\\d-\\d\\d, last used .*the backend`));
  expect(listed + JSON.stringify(await store.audit.list({ limit: 10 }))).not.toContain(key.slice(-43));
});

it('makes a key of an administrator, named by its role unless told otherwise', async () => {
  const [key = ''] = await run(['create'], 'admin');
  await expect(check(key)).resolves.toMatchObject({ role: 'admin' });
  expect((await run(['list'])).join()).toMatch(/admin .*last used .*admin/);
});

it('revokes a key at once, and only once', async () => {
  const [key = ''] = await run(['create']);
  const { keyId } = await check(key);
  expect((await run(['revoke', keyId])).join()).toContain('is refused from now on');
  await expect(check(key)).rejects.toMatchObject({
    code: 'ACCESS_UNAUTHENTICATED',
    message: 'This API key was revoked.',
  });
  expect((await run(['revoke', keyId])).join()).toContain('was revoked before');
  expect((await run([])).join()).toMatch(/revoked \d{4}/);
});

it('writes down who was let in and out, each once', async () => {
  const [key = ''] = await run(['create', 'x']);
  const { keyId } = await check(key);
  await run(['revoke', keyId]);
  await run(['revoke', keyId]);
  const entries = (await store.audit.list({ limit: 10 })).map(({ type, data }) => [type, data['keyId']]);
  expect(entries).toEqual([
    ['api-key.revoked', keyId],
    ['api-key.created', keyId],
  ]);
});

it.each<[string, readonly string[], string | undefined, RegExp]>([
  ['an unknown role', ['create', 'x'], 'root', /'root' is invalid\. Allowed choices are service, admin/],
  ['a name of two lines', ['create', 'a\nb'], undefined, /on one line/],
  ['a long name', ['create', 'x'.repeat(101)], undefined, /1 to 100 characters/],
  ['another word', ['creat'], undefined, /unknown command 'creat'\n\(Did you mean create\?\)/],
  ['too many words', ['create', 'x', 'y'], undefined, /Expected 1 argument but got 2: x, y/],
  ['a key that does not exist', ['revoke', 'abc'], undefined, /There is no API key "abc"/],
  ['nothing to revoke', ['revoke'], undefined, /missing required argument 'id'/],
])('refuses %s', async (_what, words, role, message) => {
  await expect(run(words, role)).rejects.toThrow(message);
  expect(await store.apiKeys.list()).toEqual([]);
});
