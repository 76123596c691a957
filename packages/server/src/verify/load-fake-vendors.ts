import { SallyportError } from '@sallyport/core';
import type { Practice, ProviderManifest } from '@sallyport/core';

import { importNamed } from '../config/load-config.ts';

/** Where the vendors of our own providers are. Not a dependency: who runs a server needs no made-up vendors. */
const ourPractice = '@sallyport/testkit';

/** Looks through the modules that the configuration names under `practice`, and those of ours, for a provider's vendor. */
export async function loadPractice(
  names: readonly string[],
  { id, title }: ProviderManifest,
  configFile: string,
): Promise<Practice> {
  for (const name of [...names, ourPractice]) {
    const { practice } = await importNamed(name, 'practice', configFile).catch((error: unknown) => {
      throw name === ourPractice ? notInstalled(title, error) : error;
    });
    if (!isPractice(practice)) {
      throw new SallyportError(
        'CONFIG_INVALID',
        `${name}, named in practice of ${configFile}, exports no \`practice\`.`,
        {
          hint: 'Make one with `createPractice` of @sallyport/testkit; see docs/write-a-provider.md.',
        },
      );
    }
    if (practice.providers.includes(id)) return practice;
  }
  throw new SallyportError('CONFIG_INVALID', `Nothing plays the vendor of ${title} (${id}).`, {
    hint: `Name a module that exports a \`practice\` for it in the setting \`practice\` of ${configFile}; see docs/write-a-provider.md.`,
  });
}

function notInstalled(title: string, cause: unknown): SallyportError {
  return new SallyportError(
    'CONFIG_INVALID',
    `The made-up vendor of ${title} is in ${ourPractice}, which cannot be loaded.`,
    {
      hint: `Run \`npm install --save-dev ${ourPractice}\` where the configuration is.`,
      cause,
    },
  );
}

function isPractice(value: unknown): value is Practice {
  return (
    typeof value === 'object' &&
    value !== null &&
    'open' in value &&
    typeof value.open === 'function' &&
    'providers' in value &&
    Array.isArray(value.providers)
  );
}
