import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';

import { connectSocket } from '../../host/connect-socket.ts';
import { digestFile } from '../../host/hashing/digest-file.ts';
import type { FileDigest } from '../../host/hashing/digest-file.ts';
import { sockets } from '../layout.ts';
import type { QmpClient } from '../qmp.ts';
import { receiveState, sendState } from './state-stream.ts';

export interface Migration {
  readonly qmp: QmpClient;
  /** QEMU's directory, and its user. */
  readonly run: string;
  readonly uid: number | undefined;
  readonly memoryMb: number;
  readonly signal: AbortSignal;
}

/** What devices have to tell besides the memory, generously. */
const DEVICES_MB = 64;

/** Has QEMU write the state of a machine that stands still. */
export async function saveState(file: FileHandle, migration: Migration): Promise<FileDigest> {
  const { qmp, run, uid, memoryMb, signal } = migration;
  const maxBytes = (memoryMb + DEVICES_MB) * 1024 * 1024 * 1.05;
  await reportMigration(migration);
  // QEMU is made for a network that others use as well, and would take seconds.
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': 10 * 1024 ** 3 }, { signal });
  const { done } = await receiveState({ run, uid, file, maxBytes, signal });
  await migrated(migration, () => qmp.execute('migrate', { uri: `unix:${sockets.state}` }, { signal }));
  await done;
  return digestOf(file, signal);
}

/** Has a QEMU that waits take a state, and returns what that was. Its machine still stands. */
export async function loadState(file: FileHandle, migration: Migration): Promise<FileDigest> {
  const over = new AbortController();
  const digest = digestOf(file, AbortSignal.any([migration.signal, over.signal]));
  try {
    const [sent, hashed] = await Promise.all([sendTo(file, migration), digest]);
    return { ...hashed, bytes: sent };
  } finally {
    // The file is closed next.
    over.abort();
    await digest.catch(() => {});
  }
}

/** The state has no name any more when it is loaded. */
function digestOf(file: FileHandle, signal: AbortSignal): Promise<FileDigest> {
  return digestFile(`/proc/self/fd/${file.fd}`, signal);
}

async function sendTo(file: FileHandle, migration: Migration): Promise<number> {
  const { qmp, run, uid, signal } = migration;
  await reportMigration(migration);
  let sent: Promise<number> | undefined;
  await migrated(migration, async () => {
    await qmp.execute('migrate-incoming', { uri: `unix:${sockets.state}` }, { signal });
    const receiver = await connectSocket(join(run, sockets.state), uid ?? process.geteuid?.() ?? 0, signal);
    sent = sendState(file, receiver, signal);
    // A QEMU that does not like it hangs up; what it says about that tells more.
    sent.catch(() => {});
  });
  if (!sent) throw new SallyportError('MACHINE_FAILED', 'A machine was woken without its state.');
  return sent;
}

/** Without this QEMU has to be asked again and again. */
async function reportMigration({ qmp, signal }: Migration): Promise<void> {
  const capabilities = [{ capability: 'events', state: true }];
  await qmp.execute('migrate-set-capabilities', { capabilities }, { signal });
}

async function migrated({ qmp, signal }: Migration, begin: () => Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const ended = qmp.event('MIGRATION', (data) => /^(completed|failed|cancelled)$/.test(statusOf(data)), {
    signal: AbortSignal.any([signal, over.signal]),
  });
  ended.catch(() => {});
  try {
    await begin();
    const status = statusOf(await ended);
    if (status !== 'completed')
      throw new SallyportError('MACHINE_FAILED', `QEMU's migration of the machine ${status}.`);
  } finally {
    over.abort();
  }
}

function statusOf(data: unknown): string {
  return String(Object(data)['status']);
}
