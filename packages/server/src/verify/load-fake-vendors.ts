import { SallyportError } from '@sallyport/core';
import type { FakeVendorModule } from '@sallyport/core';
import type { ProviderManifest } from '@sallyport/core/provider';

import { importNamed } from '../config/load-config.ts';

/** Where the fake vendors of the bundled providers are. Not a dependency: a server needs no fake vendors. */
const ourFakeVendors = '@sallyport/testkit/vendors';

/** Looks through the modules that the configuration names under `fakeVendors`, and those of ours, for a provider's vendor. */
export async function loadFakeVendors(
  names: readonly string[],
  { id, title }: ProviderManifest,
  configFile: string,
): Promise<FakeVendorModule> {
  for (const name of [...names, ourFakeVendors]) {
    const { fakeVendors } = await importNamed(name, 'fakeVendors', configFile).catch((error: unknown) => {
      throw name === ourFakeVendors ? notInstalled(title, error) : error;
    });
    if (!isFakeVendorModule(fakeVendors)) {
      throw new SallyportError(
        'CONFIG_INVALID',
        `${name}, named in fakeVendors of ${configFile}, exports no \`fakeVendors\`.`,
        {
          hint: 'Make one with `createFakeVendorModule` of @sallyport/testkit/vendors; see docs/write-a-provider.md.',
        },
      );
    }
    if (fakeVendors.providers.includes(id)) return fakeVendors;
  }
  throw new SallyportError('CONFIG_INVALID', `Nothing plays the vendor of ${title} (${id}).`, {
    hint: `Name a module that exports \`fakeVendors\` for it in the setting \`fakeVendors\` of ${configFile}; see docs/write-a-provider.md.`,
  });
}

function notInstalled(title: string, cause: unknown): SallyportError {
  return new SallyportError(
    'CONFIG_INVALID',
    `The fake vendor of ${title} is in ${ourFakeVendors}, which cannot be loaded.`,
    {
      hint: `Run \`npm install --save-dev @sallyport/testkit\` where the configuration is.`,
      cause,
    },
  );
}

function isFakeVendorModule(value: unknown): value is FakeVendorModule {
  return (
    typeof value === 'object' &&
    value !== null &&
    'open' in value &&
    typeof value.open === 'function' &&
    'providers' in value &&
    Array.isArray(value.providers)
  );
}
