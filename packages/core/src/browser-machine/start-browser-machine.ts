import { provisionMachine } from '../machine/provision-machine.ts';
import type { RunningMachine } from '../machine/provision-machine.ts';
import { assignWarmMachine } from './assign-warm-machine.ts';
import { newMachineId } from '../machine/ids.ts';
import type { WarmPool } from './warm-pool.ts';
import type { Provider } from '../contracts/provider.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { LoginNote } from '../contracts/login-event.ts';
import type { SessionChange, SessionRecord } from '../contracts/store.ts';

/** The login session that a browser machine is for. */
export interface BrowserMachineSession extends Pick<SessionRecord, 'userId' | 'provider' | 'sessionId'> {
  readonly abort: AbortController;
  /** Tells the session's reader, and changes its row together with that. */
  note(event: LoginNote, change?: SessionChange): Promise<unknown>;
}

export interface BrowserMachineRequest {
  readonly session: BrowserMachineSession;
  readonly provider: Provider;
  readonly choice: Pick<SessionRecord, 'display'>;
  /** Where the provider's CLI is on this host. */
  readonly directory: string;
  readonly warmPool: WarmPool;
}

/** Memory of a machine for one login: what the settings say, or more if the CLI needs more. */
export function browserMemoryMb(
  { settings }: Runtime,
  { needs }: ProviderManifest,
  display: SessionRecord['display'],
): number {
  const { desktop, plain } = settings.browserMemoryMb;
  return Math.max(display === 'desktop' ? desktop : plain, needs.memoryMb);
}

/** Starts the machine that one login takes place in, or takes one that is ready. When that fails, nothing is left of it. */
export async function startBrowserMachine(
  runtime: Runtime,
  { session, provider, choice, directory, warmPool }: BrowserMachineRequest,
): Promise<RunningMachine> {
  const { manifest } = provider;
  const { userId, sessionId, abort } = session;
  const { signInHosts } = runtime.settings;
  const desktop = choice.display === 'desktop';
  const memoryMb = browserMemoryMb(runtime, manifest, choice.display);
  const cli = { provider: manifest.id, directory };
  const warm = desktop ? warmPool.take(cli) : undefined;
  const machineId = warm?.plan.machineId ?? newMachineId();
  const { driver, host, inHand } = runtime;
  inHand.add(machineId);
  try {
    await runtime.store.machines.create({
      machineId,
      userId,
      role: 'browser',
      driver: driver.name,
      host,
      vcpus: 1,
      memoryMb,
    });
  } catch (error) {
    if (warm) await warm.discard();
    inHand.delete(machineId);
    throw error;
  }
  try {
    await session.note({ type: 'progress', message: 'A machine has been reserved.' }, { browserMachineId: machineId });
    const request = {
      machineId,
      userId,
      provider: manifest.id,
      sessionId,
      role: 'browser',
      memoryMb,
      desktop,
      clis: [cli],
      hosts: [...new Set([...manifest.egress.signIn, ...manifest.egress.cli, ...signInHosts])],
      signal: abort.signal,
      onQueued: (message: string) =>
        void runtime.bestEffort('noting that a login waits', () => session.note({ type: 'progress', message })),
    } as const;
    const claimed = warm && (await assignWarmMachine(runtime, warm, request));
    // One that was of no use was discarded; another one takes its name.
    inHand.add(machineId);
    return claimed ?? (await provisionMachine(runtime, request));
  } catch (error) {
    await runtime.bestEffort('noting that a login machine is gone', () =>
      runtime.setMachineState(machineId, userId, 'browser', 'destroyed'),
    );
    inHand.delete(machineId);
    throw error;
  }
}

/**
 * Removes the machine of a login that is over. Never rejects: each step is tried and its failure reported. A
 * machine that could not be destroyed stays `stopping`, and the next reconciling removes it.
 */
export async function removeBrowserMachine(
  runtime: Runtime,
  session: Pick<BrowserMachineSession, 'userId' | 'provider' | 'sessionId'>,
  browser: RunningMachine,
): Promise<void> {
  const { userId, provider, sessionId } = session;
  const { id, machine, route } = browser;
  const setState = (state: 'stopping' | 'destroyed') => () => runtime.setMachineState(id, userId, 'browser', state);
  await runtime.bestEffort('noting that a login machine stops', setState('stopping'));
  const context = { userId, provider, sessionId, signal: runtime.closing };
  await runtime.hooks.machineStopping(browser.view('stopping'), context, 'login-over');
  const destroyed = await runtime.bestEffort('removing a login machine', () =>
    runtime.admission.clear({ kind: 'destroy', machineId: id, userId }, () => machine.destroy()),
  );
  await runtime.bestEffort("closing a login machine's egress", () => route.close());
  if (destroyed) await runtime.bestEffort('noting that a login machine is gone', setState('destroyed'));
  runtime.inHand.delete(id);
}
