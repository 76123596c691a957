import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SallyportError } from '@sallyport/core';

/** One name, as it is written in three places. */
export interface ProviderName {
  /** Of the npm package, by which `sallyport.config.ts` lists it. */
  readonly package: string;
  /** Of the manifest. */
  readonly id: string;
  /** For users. */
  readonly title: string;
}

/** `my-cli` as the names of a provider. Throws CONFIG_INVALID for anything that could not be one. */
export function parseProviderName(given: string): ProviderName {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(given) || given.length < 2 || given.length > 32) {
    throw new SallyportError('CONFIG_INVALID', `${JSON.stringify(given)} cannot be the name of a provider.`, {
      hint: 'Use 2 to 32 lower-case letters, digits and single dashes, starting with a letter, for instance my-cli.',
    });
  }
  const words = given.split('-');
  return {
    package: `sallyport-provider-${given}`,
    id: words.join('_'),
    title: words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' '),
  };
}

/** Writes a provider that passes its conformance run into a directory that does not exist yet. */
export async function writeProvider(name: ProviderName, folder: string): Promise<void> {
  const version = await ownVersion();
  await makeDirectory(folder);
  try {
    for (const path of await templateFiles()) {
      const target = join(folder, publishedName(path));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, filledIn(await readFile(join(template, path)), path, name, version));
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Beside `src` and beside `dist`. */
const template = fileURLToPath(new URL('../template', import.meta.url));

async function templateFiles(): Promise<readonly string[]> {
  const entries = await readdir(template, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1));
}

/** npm and our own tools would act on a `package.json` or `.gitignore` that lies in the template. */
function publishedName(path: string): string {
  return path.replace(/^_/, '').replace(/^gitignore$/, '.gitignore');
}

function filledIn(content: Buffer, path: string, name: ProviderName, version: string): Buffer | string {
  // A recording stays as it is: the file beside it counts its bytes.
  if (path.endsWith('.bin')) return content;
  return content
    .toString('utf8')
    .replaceAll('sallyport-provider-my-cli', name.package)
    .replaceAll('my_cli', name.id)
    .replaceAll('My CLI', name.title)
    .replaceAll('SALLYPORT_VERSION', version);
}

/** Making it and seeing that it was not there are one act, so that nothing of anybody's is written over. */
async function makeDirectory(folder: string): Promise<void> {
  const parent = dirname(folder);
  try {
    await mkdir(parent, { recursive: true });
    await mkdir(folder);
  } catch (error) {
    const exists =
      error instanceof Error && 'path' in error && 'code' in error && error.code === 'EEXIST' && error.path === folder;
    throw new SallyportError(
      'CONFIG_INVALID',
      exists ? `There is something at ${folder} already.` : `The directory ${folder} cannot be made.`,
      {
        hint: exists
          ? 'Name another directory after the name, or move that one away.'
          : `See whether ${parent} is a directory that you may write to.`,
        cause: error,
      },
    );
  }
}

/** All packages of a release have the same version. */
async function ownVersion(): Promise<string> {
  const { version }: { version: string } = JSON.parse(
    await readFile(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return version;
}
