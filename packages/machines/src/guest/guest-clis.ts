import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { MachinePlan } from '@sallyport/core/driver';

import { hasCode } from '../host/safe-directory.ts';
import type { Image } from '../images/image.ts';
import { insideGuest } from './layout.ts';

/** Where a virtual machine finds its CLIs. */
export interface GuestClis {
  /** Installation directory of each CLI inside the machine. */
  readonly inside: Readonly<Record<string, string>>;
  /** Those that the image does not have at this very version: they have to be on the agent drive. */
  readonly onDrive: MachinePlan['clis'];
}

/** Takes from the image what it has, and the rest from the agent drive. */
export async function findGuestClis(
  clis: MachinePlan['clis'],
  { programs }: Pick<Image, 'programs'>,
): Promise<GuestClis> {
  const places = await Promise.all(
    clis.map(async (cli) => {
      const installed = programs[cli.provider];
      return { cli, isInImage: installed !== undefined && (await readPackages(cli.directory)).includes(installed) };
    }),
  );
  return {
    inside: Object.fromEntries(
      places.map(({ cli: { provider }, isInImage }) => [
        provider,
        isInImage ? insideGuest.imageCli(provider) : insideGuest.driveCli(provider),
      ]),
    ),
    onDrive: places.filter(({ isInImage }) => !isInImage).map(({ cli }) => cli),
  };
}

/** `package@version` of what an installation of a CLI was made for; the image's list has the same words. */
async function readPackages(directory: string): Promise<readonly string[]> {
  const text = await readFile(join(directory, 'package.json'), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return '{}';
    throw error;
  });
  const { dependencies }: { dependencies?: Readonly<Record<string, string>> } = JSON.parse(text);
  return Object.entries(dependencies ?? {}).map(([name, version]) => `${name}@${version}`);
}
