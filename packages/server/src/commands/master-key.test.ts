import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { KeyRing } from '@sallyport/core/key-ring';
import type { Store } from '@sallyport/core/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runCommand } from '../../../../test/setup/run-command.ts';
import { readEnvironment } from '../config/environment.ts';
import { openMasterKeys } from '../data-directory/master-key.ts';
import type { OpenedMasterKeys } from '../data-directory/master-key.ts';
import { registerMasterKey } from './master-key.ts';

const now = Date.UTC(2026, 10, 29);
const provider = 'codex';
let directories: [string, string];
let store: Store;
let problems: unknown[];

beforeEach(async () => {
  const create = () => mkdtemp(join(tmpdir(), 'sallyport-keys-'));
  directories = [await create(), await create()];
  store = createMemoryStore({ clock: systemClock });
  problems = [];
});
afterEach(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

/** The key ring of a server that starts now. */
async function start(dataDirectory = directories[0]): Promise<OpenedMasterKeys> {
  const inUse = await store.credentials.keysInUse();
  return openMasterKeys({ dataDirectory, inUse, now, onProblem: (error) => problems.push(error) });
}

async function run(words: string, given: { isShared?: boolean; isCopied?: boolean; dataDirectory?: string } = {}) {
  const lines: string[] = [];
  const { isShared = false, isCopied = false, dataDirectory = directories[0] } = given;
  const database = isShared ? { DATABASE_URL: 'postgres://localhost/shared' } : {};
  let exitCode = 0;
  await runCommand(
    registerMasterKey,
    ['master-key', ...words.split(' '), ...(isCopied ? ['--copied'] : [])],
    (line) => ({
      words: line,
      environment: () => readEnvironment({ SALLYPORT_DATA_DIR: dataDirectory, ...database }, tmpdir()),
      withStore: (work) => work(store),
      clock: { ...systemClock, now: () => now },
      print: (text) => lines.push(text),
      exitWith: (code) => {
        exitCode = code;
      },
    }),
  );
  const isComplete = exitCode === 0;
  return { isComplete, output: lines.join('\n') };
}

async function save(keyRing: KeyRing, userId: string = randomUUID(), version = 1): Promise<string> {
  const plain = new Secret(Buffer.from(`${userId} ${version}`));
  const sealed = await keyRing.seal(plain, { recordId: userId, userId, provider, version });
  const facts = { kind: 'plan', blank: false } as const;
  const sha256 = `${userId}-${version}`;
  await store.credentials.append({ credentialId: userId, userId, provider, sha256, facts, sealed }, version - 1);
  return userId;
}

async function open(keyRing: KeyRing, userId: string): Promise<string> {
  const record = await store.credentials.current(userId, provider);
  if (!record) throw new Error('nothing is stored');
  const plain = await keyRing.open(record.sealed, { recordId: userId, userId, provider, version: record.version });
  return Buffer.from(plain.reveal()).toString();
}

/** What the audit log says of rotations, oldest first. */
async function audited(): Promise<readonly object[]> {
  const entries = await store.audit.list({ limit: 100 });
  return entries.toReversed().map(({ type, userId, data }) => ({ type, userId, ...data }));
}

const filesOf = (dataDirectory: string) => readdir(join(dataDirectory, 'master-keys'));

describe('sallyport master-key rotate', () => {
  it('makes a key and rewraps everything, while a server that runs goes on with both keys', async () => {
    const server = await start();
    const users = [await save(server.keyRing), await save(server.keyRing)];
    const { isComplete, output } = await run('rotate');
    expect(isComplete).toBe(true);
    const [made] = await store.credentials.keysInUse();
    expect(made).not.toBe(server.current);
    expect(output).toContain(`Made the master key ${made}`);
    expect(output).toContain('Done: 2 rewrapped.');
    expect(output).toContain(`No credential uses: ${server.current}.`);
    for (const userId of users) expect(await open(server.keyRing, userId)).toBe(`${userId} 1`);
    // It seals under the new key, too: the old one does not come back into use.
    await save(server.keyRing, users[0], 2);
    expect(await store.credentials.keysInUse()).toEqual([made]);
    expect((await start()).current).toBe(made);
    expect((await filesOf(directories[0])).toSorted()).toEqual([server.current, made ?? ''].toSorted());
  });

  it('goes on with the key it made when it was killed', async () => {
    const { keyRing, current } = await start();
    const users = [await save(keyRing), await save(keyRing), await save(keyRing)];
    const { credentials } = store;
    let left = 1;
    const dying = {
      ...credentials,
      rewrap: async (...args: Parameters<typeof credentials.rewrap>) => {
        if (left === 0) throw new Error('killed');
        left -= 1;
        return credentials.rewrap(...args);
      },
    };
    const whole = store;
    store = { ...whole, credentials: dying };
    await expect(run('rotate')).rejects.toThrow('killed');
    store = whole;
    const files = await filesOf(directories[0]);
    const { output } = await run('rotate');
    expect(output).toContain('Done: 2 rewrapped.');
    expect(await filesOf(directories[0])).toEqual(files);
    expect(await store.credentials.keysInUse()).toEqual(files.filter((id) => id !== current));
    for (const userId of users) expect(await open(keyRing, userId)).toBe(`${userId} 1`);
  });

  it('is in the audit log when it begins and when it ends, with the keys and how many credentials it was', async () => {
    const { keyRing, current } = await start();
    await save(keyRing);
    await save({ ...keyRing, seal: (plain, binding) => keyRing.seal(plain, { ...binding, version: 9 }) });
    await run('rotate');
    const keyId = (await filesOf(directories[0])).find((id) => id !== current);
    expect(await audited()).toEqual([
      { type: 'master-key.rotation-started', userId: null, from: current },
      { type: 'master-key.rotation-completed', userId: null, keyId, rewrapped: 1, unreadable: 1 },
    ]);
    const [ended, begun] = await store.audit.list({ limit: 2 });
    expect([begun?.at, ended?.at].map(Number)).toEqual([now, now]);
  });

  it('is in the audit log as failed when it breaks off', async () => {
    const { keyRing } = await start();
    await save(keyRing);
    const broken = new Error('the database has gone');
    store = { ...store, credentials: { ...store.credentials, rewrap: () => Promise.reject(broken) } };
    await expect(run('rotate')).rejects.toBe(broken);
    expect(await audited()).toMatchObject([
      { type: 'master-key.rotation-started' },
      { type: 'master-key.rotation-failed' },
    ]);
  });

  it('makes no key and rewraps nothing if the audit log cannot be written', async () => {
    const { keyRing, current } = await start();
    await save(keyRing);
    const broken = new Error('the database has gone');
    store = { ...store, audit: { ...store.audit, append: () => Promise.reject(broken) } };
    await expect(run('rotate')).rejects.toBe(broken);
    expect(await filesOf(directories[0])).toEqual([current]);
    expect(await store.credentials.keysInUse()).toEqual([current]);
  });

  it('makes a key that sorts behind the others, also on the same day', async () => {
    const { keyRing, current } = await start();
    await save(keyRing);
    const keys = [current];
    for (let turn = 0; turn < 4; turn += 1) {
      await run('rotate');
      const [next] = await store.credentials.keysInUse();
      keys.push(next ?? '');
    }
    expect(keys).toEqual([...new Set(keys)].toSorted());
  });

  it('seals nothing under a new key on a shared database before every server has it', async () => {
    const first = await start();
    await save(first.keyRing);
    const [, other] = directories;
    await mkdir(join(other, 'master-keys'));
    await copyFile(join(directories[0], 'master-keys', first.current), join(other, 'master-keys', first.current));
    const second = await start(other);

    const { output } = await run('rotate', { isShared: true });
    const next = (await filesOf(directories[0])).find((name) => name.endsWith('.next')) ?? '';
    expect(output).toContain(next);
    expect(output).toContain('rotate --copied');
    // Nothing changes for servers that run, and for those that start now.
    for (const { keyRing } of [first, second, await start()]) await save(keyRing);
    expect(await store.credentials.keysInUse()).toEqual([first.current]);
    expect((await run('rotate', { isShared: true })).output).toContain(next);

    await copyFile(join(directories[0], 'master-keys', next), join(other, 'master-keys', next));
    const id = next.slice(0, -'.next'.length);
    await run('rotate', { isShared: true, isCopied: true });
    expect(await store.credentials.keysInUse()).toEqual([id]);
    const userId = await save(first.keyRing);
    expect(await open(second.keyRing, userId)).toBe(`${userId} 1`);
    expect(await open(first.keyRing, await save(second.keyRing))).toContain(' 1');

    await run('rotate', { isShared: true, isCopied: true, dataDirectory: other });
    await save(second.keyRing);
    expect(await store.credentials.keysInUse()).toEqual([id]);
    const again = await run('rotate', { isShared: true, isCopied: true, dataDirectory: other });
    expect(again.output).toContain('Done: 0 rewrapped.');
    expect((await filesOf(other)).toSorted()).toEqual((await filesOf(directories[0])).toSorted());
    expect(problems).toEqual([]);
  });

  it('names the credentials that cannot be opened, and leaves them', async () => {
    const { keyRing, current } = await start();
    const userId = await save({
      ...keyRing,
      seal: (plain, binding) => keyRing.seal(plain, { ...binding, version: 9 }),
    });
    const { isComplete, output } = await run('rotate');
    expect(isComplete).toBe(false);
    expect(output).toContain(`Cannot be opened, left as it was: the codex credential of the user ${userId}`);
    expect(output).toContain(`Still in use: ${current}.`);
  });

  it('makes no key if one in use is missing, or if there is none at all', async () => {
    await expect(run('rotate')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('no master key'),
    });
    const { keyRing, current } = await start();
    await save(keyRing);
    await rm(join(directories[0], 'master-keys', current));
    await writeFile(join(directories[0], 'master-keys', 'other'), randomBytes(32), { mode: 0o400 });
    await expect(run('rotate')).rejects.toMatchObject({ message: expect.stringContaining(current) });
    expect(await filesOf(directories[0])).toEqual(['other']);
  });
});

describe('sallyport master-key list', () => {
  it('says which keys are in use', async () => {
    const { keyRing, current } = await start();
    await save(keyRing);
    await run('rotate', { isShared: true });
    const { output } = await run('list');
    expect(output).toMatch(new RegExp(`^${current} .*current +in use$`, 'm'));
    expect(output).toMatch(/next +no credential uses it$/m);
  });

  it.each([
    ['remove', "unknown command 'remove'"],
    ['rotate now', 'too many arguments'],
    ['list all', 'too many arguments'],
    ['list --copied', "unknown option '--copied'"],
  ])('refuses "%s"', async (words, message) => {
    await start();
    await expect(run(words)).rejects.toThrow(message);
  });
});

describe('a server that runs', () => {
  it('goes on sealing under the key it has while a new one is unsuitable, and reports it', async () => {
    const { keyRing, current } = await start();
    const path = join(directories[0], 'master-keys', 'z');
    await writeFile(path, randomBytes(12), { mode: 0o400 });
    const userId = await save(keyRing);
    expect(await store.credentials.keysInUse()).toEqual([current]);
    expect(problems).toMatchObject([{ code: 'CONFIG_INVALID', message: expect.stringContaining('has 12 bytes') }]);
    await chmod(path, 0o600);
    await writeFile(path, randomBytes(32));
    await save(keyRing, userId, 2);
    expect(await store.credentials.keysInUse()).toEqual(['z']);
  });

  it('still opens what a key sealed whose file was removed too early', async () => {
    const { keyRing, current } = await start();
    const userId = await save(keyRing);
    await writeFile(join(directories[0], 'master-keys', 'z'), randomBytes(32), { mode: 0o400 });
    await rm(join(directories[0], 'master-keys', current));
    await save(keyRing);
    expect(await open(keyRing, userId)).toBe(`${userId} 1`);
  });
});
