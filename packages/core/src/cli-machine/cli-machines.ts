import type { Need } from '../contracts/spare-room.ts';
import { createArrivals } from './arrivals.ts';
import type { CliMachine } from './cli-machine.ts';
import type { CliRuntime } from './cli-runtime.ts';
import { createRemoval } from './removal.ts';
import type { VendorRevoked } from './run-logout.ts';
import { createRunningMachines } from './running-machines.ts';
import type { StartCliMachine } from './start-cli-machine.ts';
import { createTransitions } from './transitions.ts';
import { createUpkeep } from './upkeep.ts';
import { createPool } from './pool.ts';

export interface CliMachines {
  /**
   * Returns the user's machine, running, with the newest credentials. Single-flight per user. The machine is not
   * stopped until the caller calls `release`.
   */
  acquire(request: StartCliMachine): Promise<CliMachine>;
  release(machine: CliMachine): void;
  /**
   * Returns a machine that runs, to look into it. It is not stopped until the caller calls `release`. Throws
   * `MACHINE_ASLEEP` where it does not run: looking does not start it.
   */
  borrow(userId: string, machineId: string): CliMachine;
  /**
   * Checks a machine whose agent closed the connection. If the agent does not answer, the machine counts as ended and
   * the next use starts it again.
   */
  doubt(machine: CliMachine): Promise<void>;
  /** Hibernates the machine until the next use or {@link CliMachines.wake}. Refuses while it runs a prompt. */
  hibernate(userId: string, machineId: string): Promise<void>;
  /** Stops one of the user's machines and removes it and its disk from this host. */
  destroy(userId: string, machineId: string): Promise<void>;
  /**
   * Stops the machine and removes one provider's files and home from its disk, once `erase` has deleted the credential
   * from the ledger. Before that, tries to log out at the vendor for up to 30 s, and returns what came of it.
   */
  forget(userId: string, provider: string, erase: () => Promise<void>): Promise<VendorRevoked>;
  /** Tries to log the user out at every vendor, for up to 30 s. Never rejects. */
  logOut(userId: string): Promise<void>;
  /** Refreshes credentials that expire soon on running machines without prompts. */
  keepAlive(): Promise<void>;
  /** Hibernates every machine that was not used for `idleMs`, or stops it if it cannot hibernate. */
  stopIdle(idleMs: number): Promise<void>;
  /** Whether the user's machine is running, so that a prompt needs no other. */
  isUp(userId: string): boolean;
  /** Resources of the machines that {@link CliMachines.makeRoom} may stop. */
  spare(): Need;
  /** Hibernates or stops the least recently used machine that has been idle long enough. Returns false if there is none. */
  makeRoom(): Promise<boolean>;
  /** Does something to a user's machine that does not run here. Does nothing if it runs, starts or ends. */
  whileResting(userId: string, machineId: string, work: () => Promise<void>): Promise<void>;
  /** Stops every machine and refuses to start more. */
  stopAll(reason: string): Promise<void>;
}

export function createCliMachines(runtime: CliRuntime): CliMachines {
  const machines = createRunningMachines();
  const transitions = createTransitions(runtime, machines);
  const parts = { machines, transitions, arrivals: createArrivals() };
  return { ...createPool(runtime, parts), ...createRemoval(runtime, parts), ...createUpkeep(runtime, parts) };
}
