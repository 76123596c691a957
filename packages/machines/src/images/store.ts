import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { orAborted } from '@sallyport/core/driver';

import { namesIn } from '../host/names-in.ts';
import { hasCode } from '../host/safe-directory.ts';
import type { BuildContext, BuiltFiles, ImageBuild } from './build.ts';
import { parseFacts } from './facts.ts';
import { hashFile } from '../host/hashing/hash-file.ts';
import { hashImage, hashValue } from './hash.ts';
import { pickImage } from './pick-image.ts';
import type { WantedImage } from './pick-image.ts';
import type { Image, ImageFacts } from './image.ts';
import { runTool } from './run-tool.ts';
import { isUnfinished, openBuildSite, removeDeadBuilds } from './unfinished.ts';
import type { BuildSite } from './unfinished.ts';

export interface ImageStoreOptions {
  /** Images lie below it, one directory each. */
  readonly directory: string;
}

/** The golden images on this host. What is in it is only read: a newer image is another one, with another name. */
export interface ImageStore {
  /** All images with a readable record, the newest first. One that is damaged does not keep the others from being used. */
  list(): Promise<readonly Image[]>;
  /** Directories whose record cannot be read. */
  listDamaged(): Promise<readonly DamagedImage[]>;
  /**
   * Opens an image by its name, or the newest one of a kind. Compares its files with their hashes once per process.
   * Throws `MACHINE_IMAGE_MISSING`, or `MACHINE_IMAGE_DAMAGED` if the named image is damaged.
   */
  open(wanted: WantedImage, options: { readonly signal: AbortSignal }): Promise<Image>;
  /** Compares the files of an image with their recorded hashes. */
  verify(image: Image, options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Returns the image of this build, and builds it if it is missing. `refresh` always builds it, with the current
   * packages of Debian. First removes what killed builds left.
   */
  ensure(build: ImageBuild, options: EnsureOptions): Promise<Image>;
}

export interface DamagedImage {
  /** Of its directory. */
  readonly name: string;
  /** `MACHINE_IMAGE_DAMAGED`, with the path of its record. */
  readonly error: SallyportError;
}

export interface EnsureOptions extends Omit<BuildContext, 'scratch'> {
  readonly refresh?: boolean;
  readonly now: Date;
}

const RECORD = 'image.json';

export function createImageStore({ directory }: ImageStoreOptions): ImageStore {
  /** Each image is read through once, for however many wait for it, and to the end though one of them gives up. */
  const verified = new Map<string, Promise<void>>();

  async function readAll(): Promise<readonly (Image | DamagedImage)[]> {
    const names = await namesIn(directory);
    return Promise.all(names.filter((name) => !isUnfinished(name)).map((name) => tryReadImage(join(directory, name))));
  }

  async function list(): Promise<readonly Image[]> {
    const images = (await readAll()).filter((image): image is Image => !isDamaged(image));
    return images.toSorted((one, other) => other.builtAt.localeCompare(one.builtAt));
  }

  const listDamaged = async (): Promise<readonly DamagedImage[]> => (await readAll()).filter(isDamaged);

  async function open(wanted: WantedImage, { signal }: { readonly signal: AbortSignal }): Promise<Image> {
    const image = pickImage(await list(), wanted);
    if (!image) {
      const damaged = (await listDamaged()).find(({ name }) => name === wanted);
      throw damaged?.error ?? missing(wanted, directory);
    }
    await orAborted(signal, verifyOnce(image));
    return image;
  }

  function verifyOnce(image: Image): Promise<void> {
    const known = verified.get(image.name);
    if (known) return known;
    const verification = verify(image, { signal: new AbortController().signal });
    verified.set(image.name, verification);
    verification.catch(() => verified.delete(image.name));
    return verification;
  }

  async function ensure(build: ImageBuild, options: EnsureOptions): Promise<Image> {
    await removeDeadBuilds(directory, options.onProgress);
    const images = await list();
    const same = images.find(({ kind, inputs }) => kind === build.kind && inputs === build.inputs);
    if (same && options.refresh !== true) {
      options.onProgress(`${same.name} is here already.`);
      return same;
    }
    await using site = await openBuildSite(directory);
    const built = await build.run({ ...options, scratch: site.scratch });
    options.onProgress('Recording what was built.');
    return await keep(build, built, site, options);
  }

  async function keep(build: ImageBuild, built: BuiltFiles, site: BuildSite, options: EnsureOptions): Promise<Image> {
    const { kind, inputs } = build;
    const { programs, packages } = built;
    const { now, signal } = options;
    await mkdir(site.image, { mode: 0o755 });
    const files: Record<string, string> = {};
    for (const [file, source] of Object.entries(built.files)) {
      const target = join(site.image, file);
      // Node's own copy would fill the holes of an image.
      await runTool({ file: 'cp', args: ['--sparse=always', '--reflink=auto', source, target], signal });
      await chmod(target, 0o444);
      files[file] = await hashFile(target, signal);
    }
    const name = `${kind}-${hashValue([inputs, hashImage({ files })]).slice(0, 16)}`;
    const place = join(directory, name);
    const facts: ImageFacts = { spec: 1, kind, name, inputs, builtAt: now.toISOString(), files, programs, packages };
    await writeFile(join(site.image, RECORD), `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o444 });
    await rename(site.image, place).catch((error: unknown) => {
      // The same bytes of the same inputs, built before or at the same time: machines may run on it, so it stays.
      if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
    });
    return readImage(place);
  }

  return { list, listDamaged, open, verify, ensure };
}

function missing(wanted: WantedImage, directory: string): SallyportError {
  if (typeof wanted === 'string') {
    return new SallyportError('MACHINE_IMAGE_MISSING', `There is no image "${wanted}" in ${directory}.`);
  }
  const { kind, variant } = wanted;
  const origin = variant === 'source' ? 'compiled from source' : 'of Debian';
  return new SallyportError('MACHINE_IMAGE_MISSING', `There is no ${kind} ${origin} in ${directory}.`, {
    hint: `Build it: sallyport images build ${kind}${variant === 'source' ? ' --source' : ''}`,
  });
}

function isDamaged(image: Image | DamagedImage): image is DamagedImage {
  return 'error' in image;
}

async function tryReadImage(directory: string): Promise<Image | DamagedImage> {
  try {
    return await readImage(directory);
  } catch (error) {
    if (SallyportError.isInstance(error)) return { name: basename(directory), error };
    throw error;
  }
}

async function readImage(directory: string): Promise<Image> {
  const path = join(directory, RECORD);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SallyportError('MACHINE_IMAGE_DAMAGED', `${directory} has no readable ${RECORD}.`, { cause });
  });
  return { ...parseFacts(text, path), directory };
}

async function verify(image: Image, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  for (const [file, expected] of Object.entries(image.files)) {
    const path = join(image.directory, file);
    const isThere = await stat(path)
      .then((facts) => facts.isFile())
      .catch(() => false);
    const found = isThere ? await hashFile(path, signal) : 'missing';
    if (found !== expected) {
      throw new SallyportError('MACHINE_IMAGE_DAMAGED', `${path} is not what was built.`, {
        details: { image: image.name, file, expected, found },
      });
    }
  }
}
