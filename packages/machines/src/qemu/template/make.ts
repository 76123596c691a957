import { chmod, chown, rm } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import { newBootToken, newMachineId, NOBODY, untilDesktop } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { Machine, MachinePlan } from '@sallyport/core/driver';

import { createAgentClient } from '../../agent-client/connect-agent.ts';
import type { QemuLayout } from '../layout.ts';
import { readQemuRecord } from '../machine-record.ts';
import { untilCalm } from './settle.ts';

export interface MakeTemplate {
  /** Of a machine as the template is for. */
  readonly plan: MachinePlan;
  readonly certificateAuthority: string | undefined;
  /** Where it is made. */
  readonly layout: QemuLayout;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Makes a machine in that directory. */
  readonly create: (plan: MachinePlan, signal: AbortSignal) => Promise<TemplateMachine>;
}

export interface TemplateMachine {
  readonly machine: Machine;
  /** Gives back what the machine was allotted, and leaves its files. */
  readonly release: () => Promise<void>;
}

/** An emulated processor takes a minute, and several if others need it. */
const MAKE_MS = 15 * 60_000;

/**
 * Boots a machine that belongs to nobody and reaches nothing, waits until its browser shows an empty page, and keeps
 * it asleep. What is left in the directory is its disk, its agent drive and its memory, for the server alone.
 */
export async function makeTemplate(request: MakeTemplate): Promise<void> {
  const { plan, certificateAuthority, layout, clock } = request;
  using deadline = clock.deadline(MAKE_MS, tooLate, request.signal);
  const { signal } = deadline;
  const machineId = newMachineId();
  const { machine, release } = await request.create({ ...plan, machineId, userId: NOBODY, labels: {} }, signal);
  try {
    // Forgotten right after: a machine that wakes from this memory gets another one.
    const token = newBootToken();
    const egress = {
      socketPath: `${layout.root}/no-way-out`,
      ...(certificateAuthority !== undefined && { certificateAuthority }),
      close: async () => {},
    };
    await machine.start({ epoch: 1, token, egress, signal });
    await untilDesktop(createAgentClient(machine, token, clock), signal);
    const running = (await readQemuRecord(layout.record))?.running;
    if (running) await untilCalm(running.pid, clock, signal);
    await machine.hibernate?.({ signal });
    signal.throwIfAborted();
  } catch (error) {
    await machine.destroy();
    throw error;
  }
  await release();
  for (const path of [layout.disk, layout.agentDrive]) {
    await chown(path, process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
    await chmod(path, 0o600);
  }
  for (const path of [layout.record, layout.run]) await rm(path, { recursive: true, force: true });
}

function tooLate(): SallyportError {
  return new SallyportError('MACHINE_TIMED_OUT', `The template was not made in ${MAKE_MS / 60_000} minutes.`);
}
