import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { switchedOff } from '../provider/gate.ts';

/** What a provider that is switched off is taken away from. */
export interface ProviderUsers {
  endLogins(provider: string, reason: () => SallyportError): Promise<void>;
  /** Lets prompts end by themselves for a while first. */
  drainPrompts(provider: string, reason: () => SallyportError): Promise<void>;
}

/**
 * Reads from the store which providers are switched off. The command that switches is another process, perhaps on
 * another host, so the store is looked at again and again; what changes takes effect at once.
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

/** The same for a server that runs: while the store is away, what was read last goes on. */
export async function followSwitches(runtime: Runtime, users: ProviderUsers): Promise<void> {
  try {
    await readSwitches(runtime, users);
  } catch (error) {
    if (!SallyportError.isInstance(error) || error.code !== 'STORE_UNAVAILABLE') throw error;
  }
}
