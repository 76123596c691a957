import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { MachineExit } from '@sallyport/core/driver';

import { programPath } from '../host/programs.ts';
import { createConsoleBuffer } from '../host/console-buffer.ts';
import { identifyProcess, isRunning } from '../host/process.ts';
import type { HostProcess } from '../host/process.ts';

/** A running QEMU: a child of this server, or one that an earlier server left running. */
export interface QemuProcess {
  readonly known: HostProcess;
  /** Resolves when it has ended. Never rejects. */
  readonly exited: Promise<MachineExit>;
  /** The latest output of the guest and of QEMU. */
  console(): string;
  /** Does nothing if the process has exited, even if its process ID has been reused. */
  kill(): Promise<void>;
}

export interface SpawnOptions {
  readonly command: readonly string[];
  /** QEMU's directory. It may be one that only its own user can enter. */
  readonly folder: string;
  /** Descriptors that it finds open, from 3 on. */
  readonly descriptors: readonly number[];
  /** Never shown. */
  readonly token: string;
  readonly clock: Clock;
}

/** How long to wait for the remaining output of a process that exited. */
const LAST_WORDS_MS = 500;

export async function spawnQemu({ command, folder, descriptors, token, clock }: SpawnOptions): Promise<QemuProcess> {
  const [file = '', ...words] = command;
  const child = spawn(file, words, {
    cwd: folder,
    // Identifies the process if it shares the server's user.
    env: { PATH: programPath, HOME: folder, LC_ALL: 'C.UTF-8' },
    // Ctrl-C at the terminal must reach only the server.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
  });
  const output = createConsoleBuffer(token);
  for (const stream of [child.stdout, child.stderr]) if (stream) output.read(stream);
  const exit = new Promise<Omit<MachineExit, 'console'>>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await once(child, 'spawn').catch((cause: unknown) => {
    throw new SallyportError('MACHINE_FAILED', `${file} could not be started.`, { cause });
  });
  const { pid = 0 } = child;
  return {
    known: (await identifyProcess(pid)) ?? { pid, born: 'ended' },
    exited: exit.then(async (how) => {
      await Promise.race([closed, clock.sleep(LAST_WORDS_MS)]);
      return { ...how, console: output.text() };
    }),
    console: () => output.text(),
    kill: async () => void child.kill('SIGKILL'),
  };
}

/** Poll interval. A check takes about 50 µs. */
const LOOK_EVERY_MS = 50;

/** Watches a QEMU that is not our child. Its exit status and output are unknown. */
export function watchQemu(known: HostProcess, clock: Clock): QemuProcess {
  async function ended(): Promise<MachineExit> {
    while (await isRunning(known)) await clock.sleep(LOOK_EVERY_MS);
    return { code: null, signal: null, console: '' };
  }
  return {
    known,
    exited: ended(),
    console: () => '',
    kill: async () => {
      if (await isRunning(known)) process.kill(known.pid, 'SIGKILL');
    },
  };
}
