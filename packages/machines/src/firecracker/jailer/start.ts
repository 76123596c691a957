import { lstat, readFile } from 'node:fs/promises';
import { connect } from 'node:net';

import { SallyportError } from '@sallyport/core';
import type { Clock, Secret } from '@sallyport/core';
import { execa } from 'execa';

import { identifyProcess } from '../../host/process.ts';
import type { HostProcess } from '../../host/process.ts';
import { hasCode } from '../../host/safe-directory.ts';
import { createApiClient } from '../api-client.ts';
import type { RunningVmm } from '../boot.ts';
import { cleanText } from '../fault-text.ts';
import { defaultRateLimits } from '../rate-limits.ts';
import type { RateLimits } from '../rate-limits.ts';
import { watchVmm } from '../vmm-process.ts';
import { jailerCommand } from './command-line.ts';
import type { JailedMachine } from './command-line.ts';
import { findDisk, limitDisk } from './disk-limit.ts';
import { populateJail } from './populate.ts';
import type { JailedFile } from './populate.ts';
import { hostControlGroups, jailLayout } from './layout.ts';
import type { ControlGroups, JailLayout } from './layout.ts';
import { openOutputs } from './outputs.ts';
import type { VmmOutputs } from './outputs.ts';
import { removeJail } from './remove.ts';

export interface JailStart {
  readonly machine: JailedMachine;
  /** What it is to find in its jail. */
  readonly files: readonly JailedFile[];
  readonly clock: Clock;
  /** The agent's token of this boot, which is left out of what the machine says. */
  readonly token: Secret;
  /** Default {@link defaultRateLimits}. */
  readonly limits?: RateLimits;
  /** Default: those of this host. */
  readonly groups?: ControlGroups;
  /** Ends the watch over the process, not the process. */
  readonly watch: AbortSignal;
}

/** A Firecracker in a new jail, with nothing configured yet. */
export interface JailedVmm extends RunningVmm {
  readonly layout: JailLayout;
  /** To be kept: by this a later server finds it, and does not take another for it. */
  readonly process: HostProcess;
  readonly outputs: VmmOutputs;
  /** Hangs up, ends what runs, and takes away all that was made for it. */
  remove(): Promise<void>;
}

/** The jailer copies a program of a few MB and makes a handful of directories; with many mounts it takes longer. */
const JAILER_WITHIN_MS = 20_000;
/**
 * Firecracker answers some 10 ms after its start, where there is a processor for it. As long again is allowed before
 * that for its number: the jailer's two last forks take less.
 */
const SOCKET_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 5;

/** Starts Firecracker in a new jail. Where that fails, nothing runs and nothing of the jail is left. */
export async function startJailed(options: JailStart, signal: AbortSignal): Promise<JailedVmm> {
  const { machine, clock, limits = defaultRateLimits, groups = hostControlGroups } = options;
  const layout = jailLayout(machine.baseDirectory, machine.firecracker, machine.id);
  signal.throwIfAborted();
  await populateJail(layout, options.files, machine.user);
  let process: HostProcess | undefined;
  let outputs: VmmOutputs | undefined;
  try {
    const disk = await findDisk(layout.root);
    if (disk !== undefined) {
      await limitDisk(layout, disk, limits.disk, groups.mount);
    }
    outputs = await openOutputs(layout.root, machine.user, options.token);
    await runJailer(jailerCommand(machine), signal);
    process = await findProcess(layout, clock, signal);
    await waitForSocket(layout.apiSocket, process, clock, signal);
    const [started, said] = [process, outputs];
    const api = createApiClient({ socketPath: layout.apiSocket, clock });
    return {
      layout,
      process,
      outputs,
      api,
      vmm: watchVmm(process, () => said.log(), clock, options.watch),
      remove: () => {
        api.close();
        said.close();
        return removeJail(layout, { process: started, groups, clock });
      },
    };
  } catch (error) {
    outputs?.close();
    await removeJail(layout, { ...(process && { process }), groups, clock });
    throw error;
  }
}

/**
 * Returns when the jailer's first process has ended. It leaves the rest to a process in a new session, which no
 * signal to this server's group reaches.
 */
async function runJailer([program = '', ...words]: readonly string[], signal: AbortSignal): Promise<void> {
  const result = await execa(program, words, {
    env: {},
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: JAILER_WITHIN_MS,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (result.failed) {
    const said = cleanText(result.stderr.trim() || (result.shortMessage ?? ''));
    throw new SallyportError('MACHINE_FAILED', `The jailer could not start Firecracker: ${said}`, {
      hint: 'See what is missing on this host: sallyport doctor firecracker.',
    });
  }
}

/**
 * Waits for the number that the jailer writes down after it has started Firecracker: its first process has ended long
 * before. No guest runs yet, so what is in the jail is still only ours to write.
 */
async function findProcess(layout: JailLayout, clock: Clock, signal: AbortSignal): Promise<HostProcess> {
  const late = () =>
    new SallyportError('MACHINE_TIMED_OUT', `The jailer did not start Firecracker within ${SOCKET_WITHIN_MS} ms.`, {
      hint: 'Start the machine again. If it happens often, this host has too little processor time for so many.',
    });
  using deadline = clock.deadline(SOCKET_WITHIN_MS, late, signal);
  for (;;) {
    const pid = await readNumber(layout.pidFile);
    if (pid !== undefined) {
      const process = await identifyProcess(pid);
      if (process) return process;
      throw new SallyportError('MACHINE_FAILED', 'Firecracker ended as soon as the jailer had started it.', {
        hint: 'See what is missing on this host: sallyport doctor firecracker.',
      });
    }
    await clock.sleep(LOOK_EVERY_MS, deadline.signal);
  }
}

/** `undefined` while the file is absent, or empty because it was made a moment ago. */
async function readNumber(path: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(path, 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function waitForSocket(path: string, known: HostProcess, clock: Clock, signal: AbortSignal): Promise<void> {
  const late = () =>
    new SallyportError('MACHINE_TIMED_OUT', `Firecracker did not open its API within ${SOCKET_WITHIN_MS} ms.`, {
      hint: 'Start the machine again. If it happens often, this host has too little processor time for so many.',
    });
  using deadline = clock.deadline(SOCKET_WITHIN_MS, late, signal);
  while (!((await isSocket(path)) && (await isListenedTo(path)))) {
    deadline.signal.throwIfAborted();
    if ((await identifyProcess(known.pid))?.born !== known.born) {
      throw new SallyportError('MACHINE_FAILED', 'Firecracker ended before it opened its API.', {
        hint: 'See what is missing on this host: sallyport doctor firecracker.',
      });
    }
    await clock.sleep(LOOK_EVERY_MS, deadline.signal);
  }
}

const isSocket = (path: string): Promise<boolean> =>
  lstat(path).then(
    (info) => info.isSocket(),
    () => false,
  );

/** bind(2) makes the file, and until listen(2) connections are refused. */
function isListenedTo(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
