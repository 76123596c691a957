import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { switchedOff } from '../provider/gate.ts';

/** What has to end when a provider is switched off. */
export interface ProviderUsers {
  endLogins(provider: string, reason: () => SallyportError): Promise<void>;
  /** Gives running prompts some time to finish first. */
  drainPrompts(provider: string, reason: () => SallyportError): Promise<void>;
}

/**
 * Reads from the store which providers are switched off, and applies changes at once. The command that switches a
 * provider runs in another process, perhaps on another host, so the store is polled.
 */
export async function readSwitches(runtime: Runtime, users: ProviderUsers): Promise<void> {
  const { gate, registry } = runtime;
  const { disabled, enabled } = gate.switchOff(await runtime.store.providerSwitches.disabled());
  for (const provider of enabled) runtime.emit({ type: 'provider.enabled', userId: null, provider });
  for (const provider of disabled) {
    runtime.emit({ type: 'provider.disabled', userId: null, provider });
    const { title } = registry.get(provider).manifest;
    const reason = (): SallyportError => switchedOff(title);
    void runtime.bestEffort(`ending the logins of ${provider}`, () => users.endLogins(provider, reason));
    void runtime.bestEffort(`draining the prompts of ${provider}`, () => users.drainPrompts(provider, reason));
  }
}

/** Polls on a running server. While the store is unavailable, the last known state applies. */
export async function followSwitches(runtime: Runtime, users: ProviderUsers): Promise<void> {
  try {
    await readSwitches(runtime, users);
  } catch (error) {
    if (!SallyportError.isInstance(error) || error.code !== 'STORE_UNAVAILABLE') throw error;
  }
}
