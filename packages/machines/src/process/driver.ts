import { mkdir, readdir, realpath } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { DriverFeatures, Machine, MachineDriver, MachinePlan, MachineRef } from '@sallyport/core/driver';

import { checkHost } from './doctor.ts';
import { desktopPrograms, findMissingDesktopPrograms, installCommand } from '../host/programs.ts';
import { openLimiter } from '../host/limits/limiter.ts';
import { DEFAULT_PROCESSES } from '../host/limits/machine-limits.ts';
import { endLeftovers, isRunning } from '../host/process.ts';
import { readRecords } from '../host/record-file.ts';
import type { FoundRecords } from '../host/record-file.ts';
import { chooseIsolation } from './isolation.ts';
import type { Isolation, IsolationChoice } from './isolation.ts';
import { limitsName, makeDirectories } from './launch-plan.ts';
import { isMachineId, machineLayout, machinesDirectory } from './layout.ts';
import type { MachineLayout } from './layout.ts';
import { createProcessMachine } from './machine.ts';
import { readRecord, writeRecord } from './machine-record.ts';
import type { MachineRecord } from './machine-record.ts';
import { giveTree, removeTree } from '../host/remove-tree.ts';
import { removeShortcut } from '../host/short-path.ts';
import { removeUnrecordedMachines } from './unrecorded-machines.ts';
import { allotUser, releaseUser } from './user-allotment.ts';

export interface ProcessDriverOptions {
  /** Contains the machines, in `machines/`. Only one server at a time can use a data directory. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Default `auto`: bubblewrap if it works, otherwise plain processes. */
  readonly isolation?: IsolationChoice;
  /** Processes and threads that a machine may have. Default 2048. */
  readonly maxProcesses?: number;
}

export interface ProcessDriver extends MachineDriver {
  /** Ends machines that a crashed server left running and returns their IDs. Call it once, before the first machine. */
  reap(): Promise<readonly string[]>;
}

/** Creates the driver that runs machines as supervised process groups on this host. For development only. */
export async function createProcessDriver(options: ProcessDriverOptions): Promise<ProcessDriver> {
  const { clock } = options;
  await mkdir(machinesDirectory(options.dataDirectory), { recursive: true, mode: 0o711 });
  const dataDirectory = await realpath(options.dataDirectory);
  const isolation = await chooseIsolation(options.isolation ?? 'auto');
  const limiter = await openLimiter();
  const { maxProcesses = DEFAULT_PROCESSES } = options;
  const live = new Map<string, Machine>();
  /** Machines that have a directory or a user but no record yet. */
  const making = new Set<string>();

  function take(record: MachineRecord): Machine {
    const { machineId } = record.plan;
    const layout = machineLayout(dataDirectory, machineId);
    const onDestroyed = (): void => void live.delete(machineId);
    const machine = createProcessMachine({
      layout,
      isolation,
      dataDirectory,
      clock,
      record,
      limiter,
      maxProcesses,
      onDestroyed,
    });
    live.set(machineId, machine);
    return machine;
  }

  /** Ends a machine's leftover processes from a crashed server and migrates its directories. */
  async function recover(record: MachineRecord): Promise<MachineRecord> {
    const layout = machineLayout(dataDirectory, record.plan.machineId);
    const { running, ...rest } = record;
    await endLeftovers(
      {
        ...(running && { leader: running.leader }),
        ...(running?.init && { init: running.init }),
        ...(record.uid === undefined ? { homesBelow: layout.root } : { uid: record.uid }),
      },
      clock,
    );
    await limiter.release(limitsName(record.plan.machineId));
    await removeShortcut(running?.shortcut);
    // Machines from earlier versions have one home for all providers and none of these directories.
    await makeDirectories(layout, rest.uid);
    const recovered = isolation.dropsUser && rest.uid === undefined ? await giveUser(rest) : rest;
    await writeRecord(layout, recovered);
    return recovered;
  }

  async function giveUser(record: MachineRecord): Promise<MachineRecord> {
    const uid = await allotUser(dataDirectory, record.plan.machineId);
    const { home, homes } = machineLayout(dataDirectory, record.plan.machineId);
    await Promise.all([home, homes].map((folder) => giveTree(folder, uid)));
    return { ...record, uid };
  }

  async function create(plan: MachinePlan, signal: AbortSignal): Promise<Machine> {
    signal.throwIfAborted();
    if (!isMachineId(plan.machineId)) {
      throw new SallyportError('MACHINE_FAILED', `"${plan.machineId}" is not a machine id.`);
    }
    const layout = machineLayout(dataDirectory, plan.machineId);
    const known = live.get(plan.machineId);
    if (known) {
      return known;
    }
    const left = await readRecord(layout);
    if (left) {
      return take(await recover({ ...left, plan }));
    }
    making.add(plan.machineId);
    try {
      return take(await layDown(plan, layout, signal));
    } finally {
      making.delete(plan.machineId);
    }
  }

  /** The record comes last: a machine without one is incomplete. */
  async function layDown(plan: MachinePlan, layout: MachineLayout, signal: AbortSignal): Promise<MachineRecord> {
    const uid = isolation.dropsUser ? await allotUser(dataDirectory, plan.machineId) : undefined;
    try {
      await makeDirectories(layout, uid);
      const record = { plan, ...(uid !== undefined && { uid }) };
      await writeRecord(layout, record);
      signal.throwIfAborted();
      return record;
    } catch (error) {
      await removeTree(layout.root);
      if (uid !== undefined) {
        await releaseUser(dataDirectory, uid, plan.machineId);
      }
      throw error;
    }
  }

  const readRecordOf = (machineId: string): Promise<MachineRecord | undefined> =>
    readRecord(machineLayout(dataDirectory, machineId));

  async function records(): Promise<FoundRecords<MachineRecord>> {
    const names = await readdir(machinesDirectory(dataDirectory));
    return readRecords(names.filter(isMachineId), readRecordOf);
  }

  async function list(): Promise<readonly MachineRef[]> {
    return Promise.all(
      (await records()).intact.map(async ({ plan, running }) => ({
        machineId: plan.machineId,
        role: plan.role,
        running: running !== undefined && (await isRunning(running.leader)),
      })),
    );
  }

  return {
    name: 'process',
    features: await describeFeatures(isolation),
    create: (plan, { signal }) => create(plan, signal),
    list,
    adopt: async ({ machineId }) => {
      const known = live.get(machineId);
      if (known || !isMachineId(machineId)) {
        return known;
      }
      const record = await readRecordOf(machineId);
      return record && take(await recover(record));
    },
    reconcile: (kept) =>
      removeUnrecordedMachines({
        machines: machinesDirectory(dataDirectory),
        users: dataDirectory,
        layoutOf: (machineId) => machineLayout(dataDirectory, machineId),
        isBusy: (machineId) => live.has(machineId) || making.has(machineId) || kept.has(machineId),
      }),
    doctor: async () => [...(await checkHost({ dataDirectory, isolation, limiter })), ...(await records()).damaged],
    reap: async () => {
      const ended: string[] = [];
      for (const record of (await records()).intact) {
        if (!live.has(record.plan.machineId)) {
          const left = record.running !== undefined;
          await recover(record);
          if (left) {
            ended.push(record.plan.machineId);
          }
        }
      }
      return ended;
    },
  };
}

async function describeFeatures(isolation: Isolation): Promise<DriverFeatures> {
  const desktopHint = await findDesktopProblem(isolation);
  return {
    desktop: desktopHint === undefined,
    ...(desktopHint !== undefined && { desktopHint }),
    loopback: isolation.bubblewrap === undefined ? 'shared' : 'forwarded',
    hibernate: false,
    isolation: isolation.sentence,
  };
}

async function findDesktopProblem(isolation: Isolation): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return 'The desktop of a machine needs Linux; here the sign-in page opens in your own browser.';
  }
  const missing = await findMissingDesktopPrograms();
  const packages = missing.map((name) => desktopPrograms[name] ?? name);
  if (missing.length > 0) {
    return `For the sign-in desktop install what is missing: ${installCommand(packages)}`;
  }
  return isolation.nestedNamespaces
    ? undefined
    : "The browser's own sandbox needs user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000";
}
