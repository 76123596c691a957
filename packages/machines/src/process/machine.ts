import { access } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { AGENT_PORT } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { Machine, MachineExit, StartOptions } from '@sallyport/core/driver';

import { spawnAgent } from './agent-process.ts';
import type { AgentProcess } from './agent-process.ts';
import { connectSocket } from '../host/connect-socket.ts';
import { createHomeDisk } from './disk.ts';
import type { Limiter } from '../host/limits/limiter.ts';
import { endLeftovers } from '../host/process.ts';
import type { Leftovers } from '../host/process.ts';
import { createMachineTurns } from '../host/machine-turns.ts';
import type { Isolation } from './isolation.ts';
import { AGENT_SOCKET } from './layout.ts';
import type { MachineLayout } from './layout.ts';
import { limitsName, prepareLaunch } from './launch-plan.ts';
import { writeRecord } from './machine-record.ts';
import type { MachineRecord } from './machine-record.ts';
import { eraseProviderHome, openProviderHome } from './provider-homes.ts';
import { removeTree } from '../host/remove-tree.ts';
import { openDirectory } from '../host/safe-directory.ts';
import { removeShortcut } from '../host/short-path.ts';
import { releaseUser } from './user-allotment.ts';

export interface MachineParts {
  readonly layout: MachineLayout;
  readonly isolation: Isolation;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly record: MachineRecord;
  readonly limiter: Limiter;
  readonly maxProcesses: number;
  onDestroyed(): void;
}

/** How often to try a starting machine's socket. An agent answers about 60 ms after its start. */
const CONNECT_RETRY_MS = 10;

/** Creates a machine that runs as a process group on this host. */
export function createProcessMachine(parts: MachineParts): Machine {
  const { layout, isolation, clock, limiter, maxProcesses } = parts;
  const id = parts.record.plan.machineId;
  let record = parts.record;
  let current: { readonly agent: AgentProcess; readonly over: Promise<MachineExit> } | undefined;
  let exited = Promise.withResolvers<MachineExit>();
  const turns = createMachineTurns({ machineId: id, isRunning: () => current !== undefined });

  const leftovers = (): Leftovers =>
    record.uid === undefined
      ? isolation.bubblewrap === undefined
        ? { homesBelow: layout.root }
        : {}
      : { uid: record.uid };

  async function boot(options: StartOptions, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    exited = Promise.withResolvers();
    record = { ...record, plan: options.plan ?? record.plan };
    const { plan, uid } = record;
    const launch = await prepareLaunch({ layout, plan, isolation, uid, options, limiter, maxProcesses });
    const { shortcut } = launch;
    let agent: AgentProcess;
    try {
      signal.throwIfAborted();
      agent = await spawnAgent(launch, leftovers(), clock);
    } catch (error) {
      await removeShortcut(shortcut);
      throw error;
    }
    current = { agent, over: tidyUp(agent, shortcut, exited) };
    const { leader, init } = agent;
    record = { ...record, running: { leader, ...(init && { init }), ...(shortcut !== undefined && { shortcut }) } };
    await writeRecord(layout, record);
    await waitForSocket(agent, signal);
  }

  async function tidyUp(
    agent: AgentProcess,
    shortcut: string | undefined,
    told: PromiseWithResolvers<MachineExit>,
  ): Promise<MachineExit> {
    const exit = await agent.ended;
    await limiter.release(limitsName(id)).catch(() => {});
    await removeShortcut(shortcut);
    const { running: _, ...rest } = record;
    record = rest;
    current = undefined;
    // The machine may have been destroyed meanwhile, along with its directory.
    await writeRecord(layout, record).catch(() => {});
    told.resolve(exit);
    return exit;
  }

  async function waitForSocket(agent: AgentProcess, signal: AbortSignal): Promise<void> {
    let exit: MachineExit | undefined;
    void agent.ended.then((value) => (exit = value));
    for (;;) {
      signal.throwIfAborted();
      if (exit) {
        throw endedTooEarly(id, exit);
      }
      try {
        (await connectSocket(join(layout.run, AGENT_SOCKET), owner(), signal)).destroy();
        return;
      } catch (error) {
        // Report the reason for the abort, not the error it caused.
        signal.throwIfAborted();
        if (SallyportError.isInstance(error)) {
          throw error;
        }
        await clock.sleep(CONNECT_RETRY_MS, signal);
      }
    }
  }

  const owner = (): number => record.uid ?? process.geteuid?.() ?? 0;

  async function endNow(): Promise<void> {
    current?.agent.kill();
    await current?.over;
    const { leader, init } = record.running ?? {};
    await endLeftovers({ ...leftovers(), ...(leader && { leader }), ...(init && { init }) }, clock);
    // Also made by a start that failed before anything ran, and kept while a process had not ended.
    await limiter.release(limitsName(id)).catch(() => {});
  }

  return {
    id,
    get exited() {
      return exited.promise;
    },
    start: async (options) => {
      turns.refuseUnlessStopped('started');
      await turns.change(options.signal, async (signal) => {
        try {
          await boot(options, signal);
        } catch (error) {
          await endNow();
          throw error;
        }
      });
    },
    connect: async (port, { signal }) => {
      if (port !== AGENT_PORT) {
        throw new SallyportError(
          'MACHINE_UNSUPPORTED',
          `Port ${port} of machine ${id} cannot be reached from outside.`,
        );
      }
      if (!current) {
        throw new SallyportError('AGENT_UNREACHABLE', `Machine ${id} does not run.`);
      }
      // Linux connects by descriptor and needs no short path; elsewhere use the agent's short symlink.
      const folder = process.platform === 'linux' ? layout.run : shortRun(layout, record);
      return connectSocket(join(folder, AGENT_SOCKET), owner(), signal);
    },
    stop: async ({ deadlineMs }) => {
      await turns.callOff('stopped while it started');
      if (current) {
        const { agent, over } = current;
        agent.askToEnd();
        const late = new AbortController();
        await Promise.race([over, clock.sleep(deadlineMs, late.signal).catch(() => {})]);
        late.abort();
      }
      await endNow();
    },
    destroy: async () => {
      turns.markDestroyed();
      await turns.callOff('destroyed while it started');
      await endNow();
      await removeShortcut(record.running?.shortcut);
      await removeTree(layout.root);
      if (record.uid !== undefined) {
        await releaseUser(parts.dataDirectory, record.uid, id);
      }
      parts.onDestroyed();
    },
    disk: createHomeDisk({
      openHome: (provider, paths) => {
        const { home: earlier, homes } = layout;
        return record.plan.role === 'cli'
          ? openProviderHome({ homes, earlier, owner: record.uid }, provider, paths)
          : openDirectory(layout.home, '~');
      },
      owner: record.uid,
      eraseHome: (provider) => eraseProviderHome(layout.homes, provider),
      whileStopped: (work) =>
        turns.useDisk(async () => {
          await access(layout.home);
          return work();
        }),
    }),
  };
}

function shortRun(layout: MachineLayout, record: MachineRecord): string {
  return record.running?.shortcut === undefined ? layout.run : join(record.running.shortcut, 'd');
}

function endedTooEarly(id: string, exit: MachineExit): SallyportError {
  const how = exit.signal ?? `code ${exit.code}`;
  const words = exit.console.trim().slice(-500);
  return new SallyportError(
    'MACHINE_FAILED',
    `Machine ${id} ended with ${how} before its agent listened.${words === '' ? '' : ` Its last words: ${words}`}`,
    { details: { console: exit.console.slice(-4000) } },
  );
}
