import { constants, openSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';
import { execa } from 'execa';

import { programPath } from '../../host/programs.ts';
import { createConsoleBuffer } from '../../host/console-buffer.ts';
import { jail } from '../boot-sequence.ts';

/**
 * What a jailed process says: its own log, and its guest's console. Both are pipes that are open here before it
 * starts, so that it fills no disk however much it says, and nobody has to follow a path in its jail later.
 */
export interface VmmOutputs {
  /** The last 64 KiB of each, without the token. */
  log(): string;
  console(): string;
  close(): void;
}

export async function openOutputs(root: string, user: number, token: Secret): Promise<VmmOutputs> {
  const paths = [jail.log, jail.serial].map((path) => join(root, path));
  const made = await execa('mkfifo', ['-m', '600', '--', ...paths], {
    env: { PATH: programPath },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
  if (made.failed) {
    throw new SallyportError('MACHINE_FAILED', `The pipes of a jail cannot be made: ${made.shortMessage}`);
  }
  const [log, console] = await Promise.all(paths.map((path) => readPipe(path, user, token)));
  return {
    log: () => log?.text() ?? '',
    console: () => console?.text() ?? '',
    close: () => {
      log?.close();
      console?.close();
    },
  };
}

async function readPipe(path: string, user: number, token: Secret): Promise<{ text(): string; close(): void }> {
  await chown(path, user, user);
  const buffer = createConsoleBuffer(token.reveal());
  // fifo(7): open for both directions it waits for nobody and does not end when a writer does.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  const pipe = new Socket({ fd, readable: true, writable: false });
  buffer.read(pipe);
  return { text: () => buffer.text(), close: () => void pipe.destroy() };
}
