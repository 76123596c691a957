import type { Socket } from 'node:net';

import { SallyportError } from '@sallyport/core';
import { AGENT_PORT, createSerialQueue } from '@sallyport/core/driver';
import type { MachineExit } from '@sallyport/core/driver';

import type { JailedVmm } from '../jailer/start.ts';
import { connectGuest } from './guest-channel.ts';
import type { GuestChannel } from './guest-channel.ts';
import type { Launch } from './launch.ts';
import type { FirecrackerHostParts, MachineFiles } from './layout.ts';
import { writeRecord } from './record.ts';
import type { FirecrackerRecord } from './record.ts';

/** A machine while it runs. */
export interface Current {
  readonly jailed: JailedVmm;
  readonly launch: Launch;
  /** The snapshot it goes on from, where it was woken. */
  readonly from: number | undefined;
  /** Resolves when nothing of it runs and its jail is gone. */
  readonly over: Promise<void>;
}

/** What this process knows of one machine, and what of that is written down for the next. */
export interface MachineState {
  readonly id: string;
  readonly host: FirecrackerHostParts;
  readonly files: MachineFiles;
  readonly record: FirecrackerRecord;
  current: Current | undefined;
  starting: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  exited: PromiseWithResolvers<MachineExit>;
  /** Changes the record, here at once and on disk in the order of the calls. */
  note(change: Partial<FirecrackerRecord>, without?: 'running' | 'asleep'): Promise<void>;
  channel(jailed: JailedVmm): GuestChannel;
  /** To its agent. */
  connect(port: number, signal: AbortSignal): Promise<Socket>;
}

export function openMachineState({
  host,
  files,
  record: opened,
}: Pick<MachineState, 'host' | 'files' | 'record'>): MachineState {
  const { clock } = host;
  const id = opened.plan.machineId;
  const line = createSerialQueue();
  let record = opened;

  const state: MachineState = {
    id,
    host,
    files,
    get record() {
      return record;
    },
    current: undefined,
    starting: undefined,
    exited: Promise.withResolvers(),
    note: (change, without) => {
      const { running, asleep, ...rest } = { ...record, ...change };
      const next: FirecrackerRecord = {
        ...rest,
        ...(running && without !== 'running' && { running }),
        ...(asleep && without !== 'asleep' && { asleep }),
      };
      record = next;
      return line(() => writeRecord(files.record, next));
    },
    channel: (jailed) => ({ machineId: id, layout: jailed.layout, user: opened.uid, clock }),
    connect: async (port, signal) => {
      signal.throwIfAborted();
      if (port !== AGENT_PORT) {
        throw new SallyportError(
          'MACHINE_UNSUPPORTED',
          `Port ${port} of machine ${id} cannot be reached from outside.`,
        );
      }
      if (!state.current) throw new SallyportError('AGENT_UNREACHABLE', `Machine ${id} does not run.`);
      return connectGuest(state.channel(state.current.jailed), port, signal);
    },
  };
  return state;
}
