import { SallyportError } from '@sallyport/core';
import type { DriverFeatures, MachineDriver, MachineRole } from '@sallyport/core/driver';
import type { ConnectAgent } from '@sallyport/core/protocol';

import type { FakeAgentScript } from './fake-agent.ts';
import { createFakeMachine } from './fake-machine.ts';
import type { FakeMachine, FakeMachineControl, FakeStep } from './fake-machine.ts';

/** A machine driver in memory, and the agents of its machines. Nothing in it waits for time. */
export interface FakeDriver {
  readonly driver: MachineDriver;
  readonly connectAgent: ConnectAgent;
  /** Every machine ever made, oldest first; those that are gone too. */
  readonly machines: readonly FakeMachine[];
  /** What agents do from now on. Assign to its members; a running machine sees the change. */
  readonly script: FakeAgentScript;
  /** The newest machine of a role. Throws if there is no such machine. */
  newest(role: MachineRole): FakeMachine;
  /** Makes a step fail, this many times. Default: once. */
  failAt(step: FakeStep, error: unknown, times?: number): void;
  /** Holds the next occurrence of a step until the returned function is called. */
  holdAt(step: FakeStep): () => void;
}

/**
 * @example
 * const fake = createFakeDriver({ desktop: true });
 * const app = createSallyport({ driver: fake.driver, connectAgent: fake.connectAgent, ... });
 * fake.newest('browser').agent.offer('codex', { auth: '{…}' });
 */
export function createFakeDriver(features: Partial<DriverFeatures> = {}): FakeDriver {
  const machines: FakeMachineControl[] = [];
  const onHost = new Map<string, FakeMachineControl>();
  const failures = new Map<FakeStep, { readonly error: unknown; times: number }>();
  const holds = new Map<FakeStep, Promise<void>>();
  const script: FakeAgentScript = {};

  async function onStep(step: FakeStep): Promise<void> {
    const hold = holds.get(step);
    holds.delete(step);
    await hold;
    const failure = failures.get(step);
    if (!failure || failure.times === 0) return;
    failure.times -= 1;
    throw failure.error;
  }

  const driver: MachineDriver = {
    name: 'fake',
    features: {
      desktop: true,
      loopback: 'forwarded',
      hibernate: false,
      isolation: 'None: it only exists in memory.',
      ...features,
    },
    create: async (plan, { signal }) => {
      signal.throwIfAborted();
      await onStep('create');
      signal.throwIfAborted();
      const { machineId } = plan;
      const made = createFakeMachine({
        plan,
        script,
        hibernates: driver.features.hibernate,
        onStep,
        onGone: () => onHost.delete(machineId),
      });
      machines.push(made);
      onHost.set(machineId, made);
      return made.machine;
    },
    list: async () =>
      [...onHost.values()].map(({ machine, plan, running, hibernated }) => ({
        machineId: machine.id,
        role: plan.role,
        running,
        ...(hibernated && { hibernated }),
      })),
    adopt: async ({ machineId }) => onHost.get(machineId)?.machine,
    doctor: async () => [],
  };

  return {
    driver,
    machines,
    script,
    connectAgent: (machine) => {
      const agent = onHost.get(machine.id)?.control?.agent;
      if (!agent) throw new SallyportError('AGENT_UNREACHABLE', `The fake machine ${machine.id} does not run.`);
      return agent.client;
    },
    newest: (role) => {
      const found = machines.findLast(({ plan }) => plan.role === role);
      if (!found) throw new Error(`There is no fake ${role} machine.`);
      return found;
    },
    failAt: (step, error, times = 1) => {
      failures.set(step, { error, times });
    },
    holdAt: (step) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      holds.set(step, promise);
      return resolve;
    },
  };
}
