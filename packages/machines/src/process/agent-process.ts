import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { MachineExit } from '@sallyport/core/driver';

import { createConsoleBuffer } from '../host/console-buffer.ts';
import { endLeftovers, identifyProcess, signalGroup } from '../host/process.ts';
import type { HostProcess, Leftovers } from '../host/process.ts';
import { FILTER_DESCRIPTOR, INFO_DESCRIPTOR } from './bubblewrap.ts';
import type { Launch } from './launch.ts';

/** A machine's process group while it runs. */
export interface AgentProcess {
  readonly leader: HostProcess;
  /** The sandbox's first process; absent without a sandbox. When it exits, everything in the sandbox exits. */
  readonly init: HostProcess | undefined;
  /** Resolves when all of the machine's processes have exited. */
  readonly ended: Promise<MachineExit>;
  console(): string;
  /** Asks the agent to exit: closes its standard input and, without a sandbox, sends SIGTERM to the group. */
  askToEnd(): void;
  kill(): void;
}

/** How long to wait for the remaining output of a process that exited. */
const LAST_WORDS_MS = 500;

export async function spawnAgent(
  launch: Launch,
  leftovers: Omit<Leftovers, 'leader' | 'init'>,
  clock: Clock,
): Promise<AgentProcess> {
  const [file, ...args] = launch.command;
  const child = spawn(file, args, {
    cwd: launch.workingDirectory,
    env: launch.environment,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(launch.sandbox ? (['pipe', 'pipe'] as const) : [])],
    ...(launch.spawnAs !== undefined && { uid: launch.spawnAs, gid: launch.spawnAs }),
  });
  const pid = await spawned(child, file);
  const output = createConsoleBuffer(launch.boot.token);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) {
      output.read(stream);
    }
  }
  const exit = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]));
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // A machine that exits immediately breaks this pipe; its exit is reported instead.
  child.stdin?.on('error', () => {});
  child.stdin?.write(`${JSON.stringify(launch.boot)}\n`);

  handOver(child.stdio[FILTER_DESCRIPTOR], launch.sandbox?.filter);

  const leader = (await identifyProcess(pid)) ?? { pid, born: 'ended' };
  const init = await readInit(child, Promise.race([exit, closed]));

  const kill = (): void => {
    // The leader is reaped on 'exit'; after that its process ID may be reused.
    if (child.exitCode === null && child.signalCode === null) {
      signalGroup(pid, 'SIGKILL');
    }
  };
  const ended = exit.then(async ([code, signal]): Promise<MachineExit> => {
    await endLeftovers({ ...leftovers, leader, ...(init && { init }) }, clock).catch(() => {});
    await Promise.race([closed, clock.sleep(LAST_WORDS_MS)]);
    return { code, signal, console: output.text() };
  });
  return {
    leader,
    init,
    ended,
    console: () => output.text(),
    askToEnd: () => {
      child.stdin?.end();
      // Bubblewrap does not forward signals: it would exit at once and take everything inside with it.
      if (init === undefined && child.exitCode === null && child.signalCode === null) {
        signalGroup(pid, 'SIGTERM');
      }
    },
    kill,
  };
}

async function spawned(child: ChildProcess, file: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new SallyportError('MACHINE_FAILED', `The machine's program ${file} could not be started.`, { cause })),
    );
  });
  if (child.pid === undefined) {
    throw new SallyportError('MACHINE_FAILED', `The machine's program ${file} was started without a process number.`);
  }
  return child.pid;
}

/** Writes the system call filter for bubblewrap, which refuses to start with half of one. */
function handOver(pipe: unknown, filter: Buffer | undefined): void {
  if (!isWritable(pipe)) return;
  pipe.on('error', () => {});
  pipe.end(filter);
}

/** Bubblewrap writes `{"child-pid": …}`; a plain process has no such pipe. */
async function readInit(child: ChildProcess, over: Promise<unknown>): Promise<HostProcess | undefined> {
  const info = child.stdio[INFO_DESCRIPTOR];
  if (!isReadable(info)) {
    return undefined;
  }
  info.on('error', () => {});
  let text = '';
  const told = new Promise<void>((resolve) => {
    info.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('}')) {
        resolve();
      }
    });
    info.once('close', resolve);
  });
  await Promise.race([told, over]);
  const pid = Number(/"child-pid": (\d+)/.exec(text)?.[1]);
  return pid > 1 ? identifyProcess(pid) : undefined;
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'write' in stream;
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'read' in stream;
}
