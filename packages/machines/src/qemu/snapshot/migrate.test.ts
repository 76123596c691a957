import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { sockets } from '../layout.ts';
import type { QmpClient } from '../qmp.ts';
import { loadState, saveState } from './migrate.ts';
import type { Migration } from './migrate.ts';

const { signal } = new AbortController();
const memory = Buffer.alloc(5_000_123, 'memory ');
const digest = { bytes: memory.length, sha256: createHash('sha256').update(memory).digest('hex') };
let run: string;

beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'sp-migrate-'));
});

afterEach(() => rm(run, { recursive: true }));

/** A QEMU that sends or takes a state when it is told to, and then says that this is done. */
function migration(commands: Readonly<Record<string, () => Promise<unknown>>>): Migration {
  const ended = Promise.withResolvers<unknown>();
  const qmp: Pick<QmpClient, 'execute' | 'event'> = {
    execute: async (command) => {
      const work = commands[command];
      if (!work) return {};
      const done = work();
      done.then(() => ended.resolve({ status: 'completed' }), ended.reject);
      return {};
    },
    event: () => ended.promise,
  };
  return { qmp: Object.assign(qmp), run, uid: undefined, memoryMb: 16, signal };
}

it('saves what QEMU sends, and hashes it in another thread', async () => {
  await using file = await open(join(run, 'state'), 'wx', 0o600);
  const send = async (): Promise<void> => {
    const socket = connect(join(run, sockets.state));
    await new Promise<void>((resolve) => socket.end(memory, resolve));
  };
  expect(await countingThreads(() => saveState(file, migration({ migrate: send })))).toEqual([digest, 1]);
});

it('loads a state that has no name any more, and hashes it in another thread while it is sent', async () => {
  const path = join(run, 'state');
  await using writer = await open(path, 'wx');
  await writer.writeFile(memory);
  await using file = await open(path, 'r');
  await unlink(path);
  const taken = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => taken.resolve(buffer(socket)));
  const listen = async (): Promise<void> => {
    server.listen(join(run, sockets.state));
    await taken.promise;
  };
  try {
    expect(await countingThreads(() => loadState(file, migration({ 'migrate-incoming': listen })))).toEqual([
      digest,
      1,
    ]);
    expect((await taken.promise).equals(memory)).toBe(true);
  } finally {
    server.close();
  }
});

async function countingThreads<Value>(work: () => Promise<Value>): Promise<[Value, number]> {
  let threads = 0;
  const count = (): void => void (threads += 1);
  process.on('worker', count);
  try {
    return [await work(), threads];
  } finally {
    process.off('worker', count);
  }
}
