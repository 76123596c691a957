import type { Reservation } from '../admission/capacity.ts';
import type { Need } from '../contracts/spare-room.ts';
import type { AgentClient } from '../contracts/agent-client.ts';
import { untilDesktop } from './until-desktop.ts';
import type { ReservedRoute } from '../contracts/egress.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { FIRST_EPOCH } from '../contracts/store.ts';
import { plainPlan } from '../machine/provision-machine.ts';
import { inPhase } from '../machine/boot-phases.ts';
import { launchMachine } from '../machine/launch-machine.ts';
import type { Machine } from '../contracts/driver.ts';
import { newMachineId, NOBODY } from '../machine/ids.ts';
import type { MachinePlan } from '../contracts/plan.ts';

/** A browser machine that is up, with its screen, that belongs to nobody and reaches nothing. */
export interface WarmMachine {
  readonly plan: MachinePlan;
  readonly machine: Machine;
  readonly agent: AgentClient;
  readonly route: ReservedRoute;
  /** Leaves no trace of it. Never rejects. */
  discard(): Promise<void>;
}

export interface WarmPool {
  /**
   * A user may log in soon: machines are made ready, and kept for a while. Starts no more while enough are ready or under way.
   * Returns at once.
   */
  expect(): void;
  /** A machine that has this CLI; it is the caller's from now on. `undefined` where none is ready. */
  take(cli: MachinePlan['clis'][number]): WarmMachine | undefined;
  /** How many are ready. */
  ready(): number;
  /** What they take of this host. */
  spare(): Need;
  /** Gives one up, whose place a user needs, and makes no other until a page asks again. False: there is none. */
  giveUp(): Promise<boolean>;
  /** Resolves when none is left, after the application began to close. */
  closed(): Promise<void>;
}

/**
 * Starting a machine with a screen and a browser takes a second or two, which a user would spend waiting. So the
 * first one starts when the page that they open asks for it, and is given up when none has asked for a while.
 */
export function createWarmPool(runtime: Runtime): WarmPool {
  const { clock, settings, driver, egress, closing, findCli } = runtime;
  const { count, keepMs, refillDelayMs } = settings.warmPool;
  const isPossible =
    count > 0 && driver.features.desktop && settings.prefer === 'desktop' && egress.reserve && findCli !== undefined;
  const machines: WarmMachine[] = [];
  let wantedUntil = -Infinity;
  let notBefore = -Infinity;
  let nudge = new AbortController();
  let keeping: Promise<void> | undefined;

  /** Runs while machines are wanted, and takes them down at the end. */
  async function keep(): Promise<void> {
    try {
      while (!closing.aborted) {
        const now = clock.monotonic();
        if (now >= wantedUntil) break;
        if (machines.length >= count) await untilNudged(wantedUntil - now);
        else if (now < notBefore) await untilNudged(notBefore - now);
        else await add();
      }
    } catch (error) {
      // The next look at the page tries again.
      wantedUntil = -Infinity;
      const isFull = SallyportError.isInstance(error) && error.code === 'MACHINE_CAPACITY';
      if (!closing.aborted && !isFull) runtime.reportBackground('starting a browser machine ahead', error);
    } finally {
      await Promise.all(machines.splice(0).map((warm) => warm.discard()));
    }
  }

  async function untilNudged(ms: number): Promise<void> {
    await clock.sleep(ms, AbortSignal.any([nudge.signal, closing])).catch(() => undefined);
  }

  async function add(): Promise<void> {
    const clis = await installedClis(runtime);
    if (clis.length === 0) {
      // The first login installs one, and the next page that asks finds a machine ready.
      wantedUntil = -Infinity;
      return;
    }
    const warm = await startWarmMachine(runtime, clis);
    machines.push(warm);
    void discardWhenOver(warm);
  }

  async function discardWhenOver(warm: WarmMachine): Promise<void> {
    await warm.machine.exited;
    if (remove(warm)) await warm.discard();
  }

  function remove(warm: WarmMachine): boolean {
    const index = machines.indexOf(warm);
    if (index === -1) return false;
    machines.splice(index, 1);
    notBefore = clock.monotonic() + refillDelayMs;
    nudge.abort();
    nudge = new AbortController();
    return true;
  }

  /** Who looks while the last ones are taken down is not forgotten. */
  async function keepWhileWanted(): Promise<void> {
    while (!closing.aborted && clock.monotonic() < wantedUntil) await keep();
    keeping = undefined;
  }

  return {
    expect: () => {
      if (!isPossible || closing.aborted) return;
      wantedUntil = clock.monotonic() + keepMs;
      keeping ??= keepWhileWanted();
    },
    take: (cli) => {
      const found = machines.find(({ plan }) => hasCli(plan, cli)) ?? machines[0];
      if (!found) return undefined;
      remove(found);
      if (hasCli(found.plan, cli)) return found;
      // Its CLI was installed later. What is of no use must not slow down the machine that is started instead.
      void found.discard();
      return undefined;
    },
    ready: () => machines.length,
    spare: () => ({
      memoryMb: machines.reduce((sum, { plan }) => sum + plan.memoryMb, 0),
      vcpus: machines.reduce((sum, { plan }) => sum + plan.vcpus, 0),
    }),
    giveUp: async () => {
      const [found] = machines;
      if (!found) return false;
      wantedUntil = -Infinity;
      remove(found);
      await found.discard();
      return true;
    },
    closed: async () => keeping,
  };
}

function hasCli({ clis }: MachinePlan, { provider, directory }: MachinePlan['clis'][number]): boolean {
  return clis.some((cli) => cli.provider === provider && cli.directory === directory);
}

async function startWarmMachine(runtime: Runtime, clis: MachinePlan['clis']): Promise<WarmMachine> {
  const { admission, closing, inHand, settings } = runtime;
  const machineId = newMachineId();
  const memoryMb = settings.browserMemoryMb.desktop;
  const what = { machineId, userId: NOBODY, role: 'browser', memoryMb, desktop: true, clis } as const;
  const plan = plainPlan(runtime, what);
  inHand.add(machineId);
  try {
    return await admission.admit(
      { kind: 'create', machineId, userId: NOBODY },
      plan,
      { signal: closing, isSpare: true },
      (place) => makeReady(runtime, plan, place),
    );
  } catch (error) {
    inHand.delete(machineId);
    throw error;
  }
}

async function makeReady(runtime: Runtime, plan: MachinePlan, place: Reservation): Promise<WarmMachine> {
  const { admission, closing: signal, egress, inHand } = runtime;
  const { machineId, role } = plan;
  let route: ReservedRoute | undefined;
  const closeRoute = () => runtime.bestEffort('closing an egress route nobody used', async () => route?.close());
  const removeMachine = (machine: Machine) =>
    runtime.bestEffort('removing a browser machine nobody used', () => machine.destroy());
  try {
    route = await inPhase(runtime, { phase: 'create', role, signal }, async (until) =>
      egress.reserve?.(machineId, { signal: until }),
    );
    if (!route) throw new SallyportError('MACHINE_UNSUPPORTED', 'The egress opens no ways ahead.');
  } catch (error) {
    place.release();
    throw error;
  }
  try {
    const { machine, agent } = await launchMachine(runtime, { plan, epoch: FIRST_EPOCH, route, place, signal });
    try {
      await inPhase(runtime, { phase: 'desktop', role, signal }, (until) => untilDesktop(agent, until));
    } catch (error) {
      await removeMachine(machine);
      throw error;
    }
    const discard = (): Promise<void> =>
      admission.clear({ kind: 'destroy', machineId, userId: NOBODY }, async () => {
        await removeMachine(machine);
        await closeRoute();
        inHand.delete(machineId);
      });
    return { plan, machine, agent, route, discard };
  } catch (error) {
    await closeRoute();
    throw error;
  }
}

async function installedClis({ registry, findCli }: Runtime): Promise<MachinePlan['clis']> {
  const clis: { readonly provider: string; readonly directory: string }[] = [];
  for (const { manifest } of registry.list()) {
    const directory = await findCli?.(manifest);
    if (directory !== undefined) clis.push({ provider: manifest.id, directory });
  }
  return clis;
}
