import { SallyportError } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';

import { createOfflineDisk } from '../../disk/offline-disk.ts';
import { createMachineTurns } from '../../host/machine-turns.ts';
import { removeTree } from '../../host/remove-tree.ts';
import { releaseUser } from '../../process/user-allotment.ts';
import { startMachine } from './start-machine.ts';
import type { FirecrackerHostParts, MachineFiles } from './layout.ts';
import { planChange } from './plan-change.ts';
import type { FirecrackerRecord } from './record.ts';
import { openMachineState } from './state.ts';
import { hibernate, interrupt, stopMachine } from './stop-machine.ts';

export interface MachineParts {
  readonly host: FirecrackerHostParts;
  readonly files: MachineFiles;
  readonly record: FirecrackerRecord;
  onDestroyed(): void;
}

/** A machine in Firecracker: a directory with its disk, and while it runs a jail that has the same files under other names. */
export function createFirecrackerMachine(parts: MachineParts): Machine {
  const { host, files } = parts;
  const state = openMachineState(parts);
  const { id } = state;
  const turns = createMachineTurns({ machineId: id, isRunning: () => Boolean(state.current ?? state.starting) });

  return {
    id,
    get exited() {
      return state.exited.promise;
    },
    start: async (options) => {
      turns.refuseUnlessStopped('started');
      turns.refuse('started', state.record.asleep !== undefined, 'it hibernates');
      await startMachine(state, options, undefined);
    },
    hibernate: async ({ signal }) => {
      signal.throwIfAborted();
      turns.refuse('put to sleep', state.starting !== undefined, 'it starts');
      const running = state.current;
      if (!running)
        throw new SallyportError('MACHINE_BUSY', `Machine ${id} does not run, so it cannot be put to sleep.`);
      try {
        await hibernate(state, running, signal);
        await running.over;
      } catch (error) {
        await stopMachine(state, STOP_MS);
        throw error;
      }
    },
    wake: async (options) => {
      turns.refuseUnlessStopped('woken');
      const { asleep } = state.record;
      if (!asleep) throw new SallyportError('MACHINE_FAILED', `Machine ${id} does not hibernate.`);
      const change = await planChange(state.record, asleep, options.plan);
      if (change !== undefined) {
        await stopMachine(state);
        throw new SallyportError('MACHINE_FAILED', `Machine ${id} cannot be woken: ${change}.`);
      }
      await startMachine(state, options, asleep.generation);
    },
    connect: (port, { signal }) => state.connect(port, signal),
    stop: async ({ deadlineMs }) => {
      await interrupt(state, 'stopped');
      await stopMachine(state, deadlineMs);
    },
    destroy: async () => {
      turns.markDestroyed();
      await interrupt(state, 'destroyed');
      await stopMachine(state);
      host.reached('the end of its directory');
      await removeTree(files.root);
      host.reached('the end of its user');
      await releaseUser(host.folders.machines, state.record.uid, id);
      parts.onDestroyed();
    },
    disk: createOfflineDisk({
      path: files.disk,
      role: state.record.plan.role,
      requireFree: (work) =>
        turns.useDisk(() => {
          turns.refuse('read or written offline', state.record.asleep !== undefined, 'it hibernates');
          return work();
        }),
    }),
  };
}

const STOP_MS = 5000;
