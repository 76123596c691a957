import { SallyportError } from '../base/errors.ts';
import type { Ceiling } from '../hooks/ceiling.ts';
import type { ProjectSettings } from '../contracts/prompt-event.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import type { ProviderRegistry } from '../provider/registry.ts';

type HiddenInWork = ProviderManifest['cli']['hiddenInWork'];

/**
 * Throws `ACCESS_DENIED` where the operator does not let prompts use the settings of a project, and `REQUEST_INVALID` where
 * the provider's manifest does not say how its CLI is made to use them.
 */
export function checkProjectSettings(
  asked: ProjectSettings | undefined,
  { prompt, title }: ProviderManifest,
  ceiling: Ceiling,
): void {
  if (asked !== 'use') return;
  if (ceiling.projectSettings !== 'use')
    throw new SallyportError('ACCESS_DENIED', 'On this server, prompts may not use the settings of a project.', {
      hint: "Leave `projectSettings` out, or ask the operator to set `ceiling: { projectSettings: 'use' }`.",
    });
  if (!prompt.projectSettings)
    throw new SallyportError('REQUEST_INVALID', `${title} cannot be told to use the settings of a project.`, {
      hint: 'Leave `projectSettings` out. A provider offers it by `prompt.projectSettings` of its manifest.',
    });
}

/** What a CLI must not see of `~/work`: nothing is hidden from one that may use what is there. */
export function hiddenInWork({ cli }: Pick<ProviderManifest, 'cli'>, settings: ProjectSettings): HiddenInWork {
  return settings === 'use' ? [] : cli.hiddenInWork;
}

/** What the other providers hide of `~/work`; each name once. */
export function pinnedInWork(registry: Pick<ProviderRegistry, 'list'>, provider: string): HiddenInWork {
  const others = registry.list().filter(({ manifest }) => manifest.id !== provider);
  const hidden = others.flatMap(({ manifest }) => manifest.cli.hiddenInWork);
  return [...new Map(hidden.map((entry) => [entry.name, entry])).values()];
}
