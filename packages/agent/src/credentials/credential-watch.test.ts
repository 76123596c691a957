import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { CredentialFiles, CredentialItem } from '@sallyport/core';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { watchCredential } from './credential-watch.ts';

const item = (id: string, role: 'secret' | 'settings'): CredentialItem => ({
  as: 'file',
  id,
  role,
  format: 'json',
  mode: 0o600,
  rotates: role === 'secret',
  require: role === 'secret' ? ['/token'] : [],
  write: 'replace',
  paths: { browser: `~/${id}.json`, cli: `~/${id}.json` },
});

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'watch-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

it('offers a credential again when a secret of it changes, and not for its settings', async () => {
  const over = new AbortController();
  const found: CredentialFiles[] = [];
  const write = (id: string, value: object): Promise<void> =>
    writeFile(join(home, `${id}.json`), JSON.stringify(value));
  await write('auth', { token: 'first' });
  await write('settings', { starts: 1 });
  watchCredential({
    place: { home, role: 'cli', items: [item('auth', 'secret'), item('settings', 'settings')] },
    clock: systemClock,
    signal: over.signal,
    onComplete: (files) => found.push(files),
    onRejected: (problem) => expect.unreachable(problem),
  });
  await expect.poll(() => found.length).toBe(1);
  await write('settings', { starts: 2 });
  await systemClock.sleep(300);
  expect(found).toHaveLength(1);
  await write('auth', { token: 'second' });
  await expect.poll(() => found.length).toBe(2);
  expect(found[1]).toEqual({ auth: '{"token":"second"}', settings: '{"starts":2}' });
  over.abort();
});
