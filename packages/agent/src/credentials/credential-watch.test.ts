import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '@sallyport/core';
import type { CredentialFiles, CredentialItem } from '@sallyport/core/provider';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { createPatientClock } from '../__fixtures__/patient-clock.ts';
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
  const clock = createPatientClock();
  let looks = 0;
  const sleep: Clock['sleep'] = (ms, signal) => {
    // Between two looks it sleeps longer than within one.
    if (ms >= 1000) looks += 1;
    return clock.sleep(ms, signal);
  };
  const found: CredentialFiles[] = [];
  const write = (id: string, value: object): Promise<void> =>
    writeFile(join(home, `${id}.json`), JSON.stringify(value));
  await write('auth', { token: 'first' });
  await write('settings', { starts: 1 });
  watchCredential({
    place: { home, role: 'cli', items: [item('auth', 'secret'), item('settings', 'settings')] },
    clock: { ...clock, sleep },
    signal: over.signal,
    onComplete: (files) => found.push(files),
    onRejected: (problem) => expect.unreachable(problem),
  });
  await until('the first credential', () => found.length === 1 && clock.pending === 1);
  const before = looks;
  await write('settings', { starts: 2 });
  await until('another look', () => looks > before && clock.pending === 1);
  expect(found).toHaveLength(1);
  await write('auth', { token: 'second' });
  await until('the second credential', () => found.length === 2);
  expect(found[1]).toEqual({ auth: '{"token":"second"}', settings: '{"starts":2}' });
  over.abort();
});

it('takes a file that was renamed into place at once, and one that is written over after a second look', async () => {
  const over = new AbortController();
  const clock = createPatientClock();
  let secondLooks = 0;
  const sleep: Clock['sleep'] = (ms, signal) => {
    if (ms === 30) secondLooks += 1;
    return clock.sleep(ms, signal);
  };
  const found: CredentialFiles[] = [];
  const file = join(home, 'auth.json');
  await writeFile(file, '{"token":"first"}');
  watchCredential({
    place: { home, role: 'cli', items: [item('auth', 'secret')] },
    clock: { ...clock, sleep },
    signal: over.signal,
    onComplete: (files) => found.push(files),
    onRejected: (problem) => expect.unreachable(problem),
  });
  await until('the first credential', () => found.length === 1 && clock.pending === 1);
  const before = secondLooks;
  await writeFile(`${file}.new`, '{"token":"second"}');
  await rename(`${file}.new`, file);
  await until('the second credential', () => found.length === 2 && clock.pending === 1);
  expect(secondLooks).toBe(before);
  await writeFile(file, '{"token":"third"}');
  await until('the third credential', () => found.length === 3);
  expect(secondLooks).toBeGreaterThan(before);
  expect(found.map(({ auth }) => auth)).toEqual(['{"token":"first"}', '{"token":"second"}', '{"token":"third"}']);
  over.abort();
});

const damages: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'are too large': (path) => writeFile(path, JSON.stringify({ history: 'x'.repeat(300 * 1024) })),
  'are cut off': (path) => writeFile(path, '{"starts":'),
  'are a link': (path) => symlink('elsewhere', path),
  'are a directory': (path) => mkdir(path),
};

it.each(Object.keys(damages))('offers each new secret without its settings where they %s', async (kind) => {
  const over = new AbortController();
  const clock = createPatientClock();
  const found: CredentialFiles[] = [];
  const write = (token: string): Promise<void> => writeFile(join(home, 'auth.json'), JSON.stringify({ token }));
  await damages[kind]?.(join(home, 'settings.json'));
  await write('first');
  watchCredential({
    place: { home, role: 'cli', items: [item('auth', 'secret'), item('settings', 'settings')] },
    clock,
    signal: over.signal,
    onComplete: (files) => found.push(files),
    onRejected: (problem) => expect.unreachable(problem),
  });
  await until('the first credential', () => found.length === 1);
  await write('second');
  await until('the second credential', () => found.length === 2);
  expect(found).toEqual([{ auth: '{"token":"first"}' }, { auth: '{"token":"second"}' }]);
  over.abort();
});
