import { SallyportError } from '../base/errors.ts';
import type { Ceiling } from '../hooks/ceiling.ts';
import type { ProjectSettings } from '../contracts/prompt-event.ts';
import type { ProviderManifest } from '../provider/manifest.ts';

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
export function hiddenInWork(
  { cli }: Pick<ProviderManifest, 'cli'>,
  settings: ProjectSettings,
): ProviderManifest['cli']['hiddenInWork'] {
  return settings === 'use' ? [] : cli.hiddenInWork;
}
