import { SallyportError } from '../base/errors.ts';
import { withheldBecause } from './policy.ts';
import type { ProviderPolicy } from './policy.ts';
import type { ProviderRegistry } from './registry.ts';

/** Which of the configured providers may be used at the moment. */
export interface ProviderGate {
  /** Throws `PROVIDER_DISABLED`. */
  check(provider: string): void;
  /** Why new logins and prompts are refused; `undefined` while they are not. */
  closed(provider: string): SallyportError | undefined;
  /** Takes what is switched off from now on, and returns what changed. */
  switchOff(providers: readonly string[]): {
    readonly disabled: readonly string[];
    readonly enabled: readonly string[];
  };
}

export function switchedOff(title: string): SallyportError {
  return new SallyportError('PROVIDER_DISABLED', `${title} has been switched off by the operator.`);
}

export function createProviderGate(registry: ProviderRegistry, policy: ProviderPolicy | undefined): ProviderGate {
  let off: ReadonlySet<string> = new Set();

  function closed(provider: string): SallyportError | undefined {
    const { manifest } = registry.get(provider);
    const withheld = policy && withheldBecause(manifest, policy);
    if (withheld !== undefined) {
      return new SallyportError('PROVIDER_DISABLED', withheld, {
        hint: `The operator turns it on by reading ${manifest.terms.url} and naming ${manifest.id} in acceptedTerms of the configuration.`,
      });
    }
    if (!off.has(manifest.id)) return undefined;
    return switchedOff(manifest.title);
  }

  return {
    closed,
    check: (provider) => {
      const refusal = closed(provider);
      if (refusal) throw refusal;
    },
    switchOff: (providers) => {
      const before = off;
      off = new Set(providers.filter((id) => registry.has(id)));
      return {
        disabled: [...off].filter((id) => !before.has(id)),
        enabled: [...before].filter((id) => !off.has(id)),
      };
    },
  };
}
