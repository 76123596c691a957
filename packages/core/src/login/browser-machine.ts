import { bootMachine } from '../machine/boot.ts';
import type { RunningMachine } from '../machine/boot.ts';
import { newMachineId } from '../machine/ids.ts';
import type { Provider } from '../provider/provider.ts';
import type { Runtime } from '../runtime.ts';
import type { Candidate } from './ladder.ts';
import type { LiveSession } from './session.ts';

/** Starts the machine that one login takes place in. When that fails, nothing is left of it. */
export async function startBrowserMachine(
  runtime: Runtime,
  session: LiveSession,
  provider: Provider,
  candidate: Candidate,
  directory: string,
): Promise<RunningMachine> {
  const { manifest } = provider;
  const { userId, sessionId, abort } = session;
  const { browserMemoryMb, signInHosts } = runtime.settings;
  const desktop = candidate.display === 'desktop';
  const memoryMb = desktop ? browserMemoryMb.desktop : browserMemoryMb.plain;
  const machineId = newMachineId();
  const { driver, host } = runtime;
  await runtime.store.machines.create({
    machineId,
    userId,
    role: 'browser',
    driver: driver.name,
    host,
    vcpus: 1,
    memoryMb,
  });
  try {
    await session.note({ type: 'progress', message: 'A machine has been reserved.' }, { browserMachineId: machineId });
    return await bootMachine(runtime, {
      machineId,
      userId,
      provider: manifest.id,
      sessionId,
      role: 'browser',
      memoryMb,
      desktop,
      clis: [{ provider: manifest.id, directory }],
      hosts: [...new Set([...manifest.egress.signIn, ...manifest.egress.cli, ...signInHosts])],
      signal: abort.signal,
    });
  } catch (error) {
    await runtime.attempt('noting that a login machine is gone', () =>
      runtime.setMachineState(machineId, userId, 'browser', 'destroyed'),
    );
    throw error;
  }
}

/**
 * Removes the machine of a login that is over. Never rejects: each step is tried and its failure reported. A
 * machine that could not be destroyed stays `stopping`, and the next start of the server removes it.
 */
export async function removeBrowserMachine(
  runtime: Runtime,
  session: LiveSession,
  browser: RunningMachine,
): Promise<void> {
  const { userId, provider, sessionId } = session;
  const { id, machine, route } = browser;
  const setState = (state: 'stopping' | 'destroyed') => () => runtime.setMachineState(id, userId, 'browser', state);
  await runtime.attempt('noting that a login machine stops', setState('stopping'));
  const context = { userId, provider, sessionId, signal: runtime.closing };
  await runtime.hooks.machineStopping(browser.view('stopping'), context, 'login-over');
  const destroyed = await runtime.attempt('removing a login machine', () => machine.destroy());
  await runtime.attempt("closing a login machine's way out", () => route.close());
  if (destroyed) await runtime.attempt('noting that a login machine is gone', setState('destroyed'));
}
