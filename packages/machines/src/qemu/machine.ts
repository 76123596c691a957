import { rm } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import { AGENT_PORT } from '@sallyport/core/driver';
import type { Machine, MachineExit, StartOptions } from '@sallyport/core/driver';

import { createOfflineDisk } from '../disk/offline-disk.ts';
import type { NetworkAttachment } from '../network/machine-network.ts';
import { createMachineTurns } from '../host/machine-turns.ts';
import { endLeftovers } from '../host/process.ts';
import { removeTree } from '../host/remove-tree.ts';
import { startMachine } from './start-machine.ts';
import type { RunningQemu } from './start-machine.ts';
import { writeQemuRecord } from './machine-record.ts';
import type { QemuRecord } from './machine-record.ts';
import type { QemuMachineParts } from './parts.ts';
import { watchQemu } from './qemu-process.ts';
import type { QemuProcess } from './qemu-process.ts';
import { openMonitor, withGuestPort } from './qemu-sockets.ts';
import { saveSnapshot } from './snapshot/save.ts';
import type { TakenSnapshot } from './snapshot/snapshot-directory.ts';
import { killQemu, stopQemu } from './stop.ts';

export interface QemuMachineOptions {
  readonly parts: QemuMachineParts;
  readonly record: QemuRecord;
  /** Whether it has never run and its disk is unmodified. */
  readonly isNew?: boolean;
  /** Releases what the driver allotted to it. */
  readonly onDestroyed: () => Promise<void>;
}

/** The running QEMU. Never one that an earlier server started, because its token is lost. */
interface Current {
  readonly process: QemuProcess;
  readonly place: NetworkAttachment | undefined;
  readonly over: Promise<MachineExit>;
  /** It has come up. */
  running?: RunningQemu;
}

const FAILED_SLEEP_STOP_MS = 5_000;

/** A virtual machine in QEMU. */
export function createQemuMachine({ parts, record: found, isNew = false, onDestroyed }: QemuMachineOptions): Machine {
  const { layout, clock, wiring, snapshot } = parts;
  const id = found.plan.machineId;
  const { uid } = found;
  let record = found;
  let current: Current | undefined;
  let isUntouched = isNew;
  let exited = Promise.withResolvers<MachineExit>();
  const turns = createMachineTurns({ machineId: id, isRunning: () => current !== undefined });
  if (record.running) take(watchQemu(record.running, clock), undefined);

  function take(process: QemuProcess, place: NetworkAttachment | undefined): void {
    current = { process, place, over: clearAway(process, place, exited.resolve) };
  }

  async function clearAway(
    process: QemuProcess,
    place: NetworkAttachment | undefined,
    tell: (exit: MachineExit) => void,
  ): Promise<MachineExit> {
    const exit = await process.exited;
    current?.running?.monitor.close();
    // The next reconcile finds whatever could not be removed.
    await wiring.detach(id, place).catch(() => {});
    // It holds the token of a boot that is over; one that hibernates has it mounted.
    if (!(await snapshot.exists())) await rm(layout.agentDrive, { force: true });
    const { running: _, ...rest } = record;
    record = rest;
    if (!turns.isDestroyed) await writeQemuRecord(layout.record, record).catch(() => {});
    current = undefined;
    tell(exit);
    return exit;
  }

  async function start(options: StartOptions, signal: AbortSignal, taken?: TakenSnapshot): Promise<void> {
    exited = Promise.withResolvers();
    record = { ...record, plan: options.plan ?? record.plan };
    const onProcess = async (process: QemuProcess, place: NetworkAttachment, agentDrive: string): Promise<void> => {
      record = { ...record, agentDrive, running: process.known };
      take(process, place);
      await writeQemuRecord(layout.record, record);
    };
    try {
      const running = await startMachine({ parts, record, options, taken, signal, onProcess });
      if (current) current.running = running;
    } catch (error) {
      await endNow();
      await rm(layout.agentDrive, { force: true });
      throw error;
    }
  }

  /** What a machine that sleeps or stands still needs first. */
  async function askToEnd(signal: AbortSignal): Promise<void> {
    const monitor = current?.running?.monitor ?? (await openMonitor(parts.sockets, signal));
    await monitor.execute('cont', {}, { signal });
    await withGuestPort(parts.sockets, signal, (port) => port.stop({ signal }));
    if (monitor !== current?.running?.monitor) monitor.close();
  }

  async function endGently(deadlineMs: number): Promise<void> {
    if (!current) return;
    const { process, over } = current;
    await stopQemu({ process, clock, askGuest: askToEnd }, deadlineMs);
    await over;
  }

  async function endNow(): Promise<void> {
    if (current) {
      const { process, over } = current;
      await killQemu(process, clock);
      await over;
    }
    await endLeftovers(uid === undefined ? { homesBelow: layout.root } : { uid }, clock);
  }

  return {
    id,
    get exited() {
      return exited.promise;
    },
    start: async (options) => {
      turns.refuseUnlessStopped('started');
      await turns.change(options.signal, async (signal) => {
        signal.throwIfAborted();
        await snapshot.remove();
        const boot = (until: AbortSignal): Promise<void> => start(options, until);
        if (!isUntouched || !parts.templates) return boot(signal);
        isUntouched = false;
        const wake = (taken: TakenSnapshot, until: AbortSignal): Promise<void> => start(options, until, taken);
        const planned = { ...record, plan: options.plan ?? record.plan };
        await parts.templates.start({ record: planned, layout, options, signal, boot, wake });
      });
    },
    wake: async (options) => {
      turns.refuseUnlessStopped('woken');
      await turns.change(options.signal, async (signal) => {
        const taken = await snapshot.take();
        await using state = taken.state;
        await start(options, signal, { ...taken, state });
      });
    },
    hibernate: async ({ signal: parent }) => {
      const { running } = current ?? {};
      if (!current || !running || turns.isChanging) {
        throw new SallyportError('MACHINE_BUSY', `Machine ${id} cannot hibernate: it does not run, or not yet.`);
      }
      await turns.change(parent, async (signal) => {
        try {
          await saveSnapshot({ parts, running, record, signal });
        } catch (error) {
          await snapshot.remove();
          await endGently(FAILED_SLEEP_STOP_MS);
          throw error;
        }
        // One that went on would use what its snapshot holds as well.
        await endNow();
      });
    },
    connect: async (port, { signal }) => {
      signal.throwIfAborted();
      if (port !== AGENT_PORT) {
        throw new SallyportError(
          'MACHINE_UNSUPPORTED',
          `Port ${port} of machine ${id} cannot be reached from outside.`,
        );
      }
      if (!current?.place) throw new SallyportError('AGENT_UNREACHABLE', `Machine ${id} does not run.`);
      return current.place.connect(port, { signal });
    },
    stop: async ({ deadlineMs }) => {
      await turns.callOff('stopped in the meantime');
      await endGently(deadlineMs);
      await endNow();
      await snapshot.remove();
      await rm(layout.agentDrive, { force: true });
    },
    destroy: async () => {
      turns.markDestroyed();
      await turns.callOff('destroyed in the meantime');
      await endNow();
      await snapshot.remove();
      await removeTree(layout.root);
      await onDestroyed();
    },
    disk: createOfflineDisk({
      path: layout.disk,
      role: found.plan.role,
      requireFree: (work) =>
        turns.useDisk(async () => {
          if (await snapshot.exists()) {
            throw new SallyportError('MACHINE_BUSY', `The disk of machine ${id} cannot be used while it hibernates.`);
          }
          isUntouched = false;
          return work();
        }),
    }),
  };
}
