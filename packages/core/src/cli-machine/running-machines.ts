import { createSerialQueues } from '../base/serial-queue.ts';
import type { SerialQueues } from '../base/serial-queue.ts';
import type { CliMachine } from './cli-machine.ts';

/** The CLI machines that run here, one for each user, and the queues in which they are started and ended. */
export interface RunningMachines {
  /** By user. */
  readonly up: Map<string, CliMachine>;
  /** By user. An operation starts when the one before has ended or failed. */
  readonly lines: SerialQueues;
  exclusively<T>(this: void, userId: string, work: () => Promise<T>): Promise<T>;
  /** Whether it runs without prompts. */
  isUnused(this: void, machine: CliMachine): boolean;
  /** Set when the server stops: no machine is started any more. */
  closed: boolean;
}

export function createRunningMachines(): RunningMachines {
  const up = new Map<string, CliMachine>();
  const lines = createSerialQueues();
  return {
    up,
    lines,
    exclusively: (userId, work) => lines.enqueue(userId, work),
    isUnused: (machine) => up.get(machine.userId) === machine && machine.active === 0 && !machine.ended,
    closed: false,
  };
}

/** Notified when a prompt releases the machine. */
export function freeTopic(machine: CliMachine): string {
  return `free:${machine.running.id}`;
}
