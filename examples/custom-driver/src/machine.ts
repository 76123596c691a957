import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { BootConfig, Machine, MachineExit, MachinePlan, StartOptions } from '@sallyport/core/driver';

import { createDirectoryDisk } from './disk.ts';

export interface DirectoryMachineOptions {
  readonly root: string;
  readonly plan: MachinePlan;
  readonly clock: Clock;
  readonly onDestroyed: () => void;
}

export interface DirectoryMachine extends Machine {
  isRunning(): boolean;
}

/** How often to ask whether the agent listens already. */
const POLL_MS = 20;
const CONSOLE_CHARACTERS = 8 * 1024;

export function createDirectoryMachine({ root, plan, clock, onDestroyed }: DirectoryMachineOptions): DirectoryMachine {
  const socketPath = join(root, 'run', 'agent.sock');
  let running: { readonly child: ChildProcess; readonly exited: Promise<MachineExit> } | undefined;
  let exited: Promise<MachineExit> = Promise.resolve({ code: null, signal: null, console: '' });

  function requireStopped(): void {
    if (running) {
      throw new SallyportError(
        'MACHINE_BUSY',
        `Machine ${plan.machineId} runs; its disk can be used once it has stopped.`,
      );
    }
  }

  async function start(options: StartOptions): Promise<void> {
    const { signal } = options;
    signal.throwIfAborted();
    requireStopped();
    // A socket of an earlier boot would look as if an agent listened.
    await rm(socketPath, { force: true });
    const { agent } = options.plan ?? plan;
    const child = spawn(agent.node, [...agent.nodeArgs, join(agent.directory, agent.entry), '--boot', '-'], {
      cwd: join(root, 'home'),
      // Nothing of the server's own environment.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: join(root, 'home'), LANG: 'C.UTF-8' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const current = { child, exited: watch(child, options.token.reveal()) };
    running = current;
    exited = current.exited;
    void current.exited.finally(() => {
      if (running === current) running = undefined;
    });
    child.stdin?.on('error', () => {});
    // The agent ends when its standard input does. So it ends with this server, however that ends.
    child.stdin?.write(`${JSON.stringify(bootOf(options))}\n`);
    try {
      await untilListening(current, signal);
    } catch (error) {
      await stop(0);
      throw error;
    }
  }

  function bootOf({ epoch, token, egress, plan: fresh = plan }: StartOptions): BootConfig {
    return {
      machineId: plan.machineId,
      epoch,
      role: plan.role,
      token: token.reveal(),
      listen: { socket: socketPath },
      home: join(root, 'home'),
      ...(plan.role === 'cli' && { homes: join(root, 'homes') }),
      runtime: join(root, 'run'),
      egress: { socket: egress.socketPath },
      ...(egress.certificateAuthority !== undefined && { certificateAuthority: egress.certificateAuthority }),
      clis: Object.fromEntries(fresh.clis.map(({ provider, directory }) => [provider, directory])),
    };
  }

  async function untilListening(
    current: { readonly exited: Promise<MachineExit> },
    signal: AbortSignal,
  ): Promise<void> {
    let over: MachineExit | undefined;
    void current.exited.then((exit) => (over = exit));
    for (;;) {
      signal.throwIfAborted();
      if (over) throw new SallyportError('MACHINE_FAILED', `The agent ended with code ${over.code}: ${over.console}`);
      const socket = await tryConnect(signal);
      if (socket) return void socket.destroy();
      await clock.sleep(POLL_MS, signal);
    }
  }

  async function tryConnect(signal: AbortSignal): Promise<Duplex | undefined> {
    const socket = connect(socketPath);
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch {
      socket.destroy();
      signal.throwIfAborted();
      return undefined;
    }
  }

  async function stop(deadlineMs: number): Promise<void> {
    if (!running) return;
    const { child, exited: over } = running;
    child.stdin?.end();
    const patience = new AbortController();
    await Promise.race([over, clock.sleep(deadlineMs, patience.signal).catch(() => {})]);
    patience.abort();
    // The whole group: CLIs are children of the agent. Until its end was seen, the number is nobody else's.
    if (running && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await over;
  }

  return {
    id: plan.machineId,
    isRunning: () => running !== undefined,
    start,
    connect: async (port, { signal }) => {
      signal.throwIfAborted();
      const socket = port === 8080 && running ? await tryConnect(signal) : undefined;
      if (socket) return socket;
      throw new SallyportError('AGENT_UNREACHABLE', `Port ${port} of machine ${plan.machineId} cannot be reached.`);
    },
    get exited() {
      return exited;
    },
    stop: ({ deadlineMs }) => stop(deadlineMs),
    destroy: async () => {
      await stop(0);
      await rm(root, { recursive: true, force: true });
      onDestroyed();
    },
    disk: createDirectoryDisk({ homes: join(root, 'homes'), requireStopped }),
  };
}

/** Keeps the last lines, without the token, and tells how the process ended. */
function watch(child: ChildProcess, token: string): Promise<MachineExit> {
  let console = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      console = `${console}${text}`.replaceAll(token, '[token]').slice(-CONSOLE_CHARACTERS);
    });
  }
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ code: null, signal: null, console: message }));
    child.once('close', (code, signal) => resolve({ code, signal, console }));
  });
}
