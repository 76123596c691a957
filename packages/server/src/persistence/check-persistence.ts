import { randomBytes } from 'node:crypto';

import { SallyportError } from '@sallyport/core';
import { newMachineId } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { AgentBundle, Machine, MachineDriver } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';
import type { AgentClient, ConnectAgent } from '@sallyport/core/protocol';

import { provisionMachine } from '../bare-machines/boot-machine.ts';
import { compareSnapshots } from './compare.ts';
import { PROBE, runProbe } from './probe-cli.ts';
import type { Snapshot } from './probe-cli.ts';

export interface PersistenceCheck {
  readonly driver: MachineDriver;
  readonly connectAgent: ConnectAgent;
  readonly agent: AgentBundle;
  /** The probe's directory on this host. */
  readonly probe: string;
  /** A egress for this machine. It may lead nowhere. */
  readonly openEgress: (machineId: string) => Promise<EgressRoute>;
  readonly cycles: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

const HIBERNATE_MS = 120_000;
const CLEAN_STOP_MS = 30_000;

/** Where a credential would be, and in each cycle is another one. */
const CREDENTIAL = { path: '~/.persistence/auth.json', mode: 0o600 } as const;

/**
 * Makes a machine and takes it through cycles of: write, sleep and wake (where the driver cannot, stop and boot), kill, boot. After each step
 * every file has to be as it was when the program that wrote it was told it is on the disk. The machine is destroyed at the end, whatever comes of it.
 *
 * @returns what was not as it was written; nothing is good.
 */
export async function checkPersistence(check: PersistenceCheck): Promise<readonly string[]> {
  const { driver, cycles, signal, print } = check;
  const machineId = newMachineId();
  const route = await check.openEgress(machineId);
  try {
    const machine = await driver.create(planOf(check, machineId), { signal });
    try {
      const differences: string[] = [];
      const subject = createSubject(check, machine, route);
      for (let round = 1; round <= cycles; round += 1) {
        const found = await runCycle(check, subject, round);
        differences.push(...found.map((difference) => `cycle ${round}, ${difference}`));
        print(
          `cycle ${round} of ${cycles}: ${found.length === 0 ? 'everything is there' : `${found.length} differences`}`,
        );
      }
      return differences;
    } finally {
      await machine.destroy();
    }
  } finally {
    await route.close();
  }
}

async function runCycle({ driver }: PersistenceCheck, subject: Subject, round: number): Promise<readonly string[]> {
  const differences: string[] = [];
  const credential = JSON.stringify({ round, token: randomBytes(24).toString('hex') });
  await subject.machine.disk.inject(PROBE, [{ ...CREDENTIAL, content: credential }]);
  await subject.boot();
  const written = await subject.probe('write', round);
  const compare = async (step: string): Promise<void> => {
    const found = compareSnapshots(written, await subject.probe('read', round));
    differences.push(...found.map((difference) => `${step}: ${difference}`));
  };
  if (driver.features.hibernate) {
    await subject.sleepAndWake();
    await compare('after waking');
  } else {
    await subject.machine.stop({ deadlineMs: CLEAN_STOP_MS });
    await subject.boot();
    await compare('after a clean stop');
  }
  await subject.machine.stop({ deadlineMs: 0 });
  const [kept] = await subject.machine.disk.harvest(PROBE, [CREDENTIAL.path]);
  if (kept?.content !== credential) differences.push(`after the kill: ${CREDENTIAL.path} is another one`);
  await subject.boot();
  await compare('after the kill');
  await subject.machine.stop({ deadlineMs: CLEAN_STOP_MS });
  return differences;
}

interface Subject {
  readonly machine: Machine;
  boot(): Promise<void>;
  sleepAndWake(): Promise<void>;
  probe(task: 'write' | 'read', round: number): Promise<Snapshot>;
}

function createSubject(check: PersistenceCheck, machine: Machine, egress: EgressRoute): Subject {
  const { clock, connectAgent, signal } = check;
  let agent: AgentClient | undefined;
  let epoch = 0;

  async function bring(how: 'start' | 'wake'): Promise<void> {
    epoch += 1;
    agent = await provisionMachine({ machine, how, epoch, egress, connectAgent, clock, signal });
  }

  return {
    machine,
    boot: () => bring('start'),
    sleepAndWake: async () => {
      const late = (): SallyportError =>
        new SallyportError('MACHINE_TIMED_OUT', `The machine did not hibernate in ${HIBERNATE_MS / 1000} s.`);
      using deadline = clock.deadline(HIBERNATE_MS, late, signal);
      await machine.hibernate?.({ signal: deadline.signal });
      await bring('wake');
    },
    probe: async (task, round) => {
      if (!agent) throw new Error('The machine has not been started.');
      return runProbe(agent, { do: task, round }, signal);
    },
  };
}

function planOf({ agent, probe }: PersistenceCheck, machineId: string) {
  return {
    machineId,
    // Nobody's: no row knows the machine, so a server that finds it after a crash of this command removes it.
    userId: 'persistence-check',
    role: 'cli',
    memoryMb: 384,
    vcpus: 1,
    diskMb: 512,
    labels: { 'sallyport.role': 'cli', 'sallyport.purpose': 'persistence-check' },
    agent,
    clis: [{ provider: PROBE, directory: probe }],
  } as const;
}
