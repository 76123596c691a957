import type { ProviderManifest } from '../provider/manifest.ts';
import type { ProviderRegistry } from '../provider/registry.ts';

/**
 * What the other providers hide of `~/work`; each name once. Every command of a CLI is told it: without, the agent refuses to
 * run it beside a CLI of those providers.
 */
export function pinnedInWork(
  registry: Pick<ProviderRegistry, 'list'>,
  provider: string,
): ProviderManifest['cli']['hiddenInWork'] {
  const others = registry.list().filter(({ manifest }) => manifest.id !== provider);
  const hidden = others.flatMap(({ manifest }) => manifest.cli.hiddenInWork);
  return [...new Map(hidden.map((entry) => [entry.name, entry])).values()];
}
