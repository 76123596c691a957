import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { orAborted, SallyportError } from '@sallyport/core';

import { hasCode } from '../host/safe-directory.ts';
import type { BuildContext, BuiltFiles, ImageBuild } from './build.ts';
import { parseFacts } from './facts.ts';
import { hashFile, hashValue } from './hash.ts';
import type { Image, ImageFacts, ImageKind } from './image.ts';
import { runTool } from './run-tool.ts';

export interface ImageStoreOptions {
  /** Images lie below it, one directory each. */
  readonly directory: string;
}

/** The golden images on this host. What is in it is only read: a newer image is another one, with another name. */
export interface ImageStore {
  /** All images, the newest first. */
  list(): Promise<readonly Image[]>;
  /** The newest image of a kind, or the one of that name. Its files are compared with their hashes once per process. */
  open(wanted: ImageKind | (string & {}), options: { readonly signal: AbortSignal }): Promise<Image>;
  /** Compares the files of an image with their recorded hashes. */
  verify(image: Image, options: { readonly signal: AbortSignal }): Promise<void>;
  /** The image of this build, built now unless it is here. `refresh` builds it anyhow, with what Debian has today. */
  ensure(build: ImageBuild, options: EnsureOptions): Promise<Image>;
}

export interface EnsureOptions extends Omit<BuildContext, 'scratch'> {
  readonly refresh?: boolean;
  readonly now: Date;
}

const RECORD = 'image.json';
const UNFINISHED = '.unfinished';

export function createImageStore({ directory }: ImageStoreOptions): ImageStore {
  /** Each image is read through once, for however many wait for it, and to the end though one of them gives up. */
  const verified = new Map<string, Promise<void>>();

  async function list(): Promise<readonly Image[]> {
    const names = await readdir(directory).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    });
    const folders = names.filter((name) => !name.endsWith(UNFINISHED)).map((name) => join(directory, name));
    const images = await Promise.all(folders.map(readImage));
    return images.toSorted((one, other) => other.builtAt.localeCompare(one.builtAt));
  }

  async function open(wanted: string, { signal }: { readonly signal: AbortSignal }): Promise<Image> {
    const images = await list();
    const image = images.find(({ kind, name }) => kind === wanted || name === wanted);
    if (!image) {
      throw new SallyportError('MACHINE_IMAGE_MISSING', `There is no image "${wanted}" in ${directory}.`);
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
    const images = await list();
    const same = images.find(({ kind, inputs }) => kind === build.kind && inputs === build.inputs);
    if (same && options.refresh !== true) {
      options.onProgress(`${same.name} is here already.`);
      return same;
    }
    const scratch = await mkdtemp(join(tmpdir(), 'sallyport-image-'));
    try {
      // In a user namespace the builder is somebody else, who has to get at what is inside.
      await chmod(scratch, 0o711);
      const built = await build.run({ ...options, scratch });
      options.onProgress('Recording what was built.');
      return await keep(build, built, options);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  async function keep(build: ImageBuild, built: BuiltFiles, { now, signal }: EnsureOptions): Promise<Image> {
    const { kind, inputs } = build;
    const { programs, packages } = built;
    const name = `${kind}-${hashValue([inputs, programs, packages]).slice(0, 16)}`;
    const place = join(directory, name);
    const temporary = `${place}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
    await mkdir(temporary, { recursive: true, mode: 0o755 });
    try {
      const files: Record<string, string> = {};
      for (const [file, source] of Object.entries(built.files)) {
        const target = join(temporary, file);
        // Node's own copy would fill the holes of an image.
        await runTool({ file: 'cp', args: ['--sparse=always', '--reflink=auto', source, target], signal });
        await chmod(target, 0o444);
        files[file] = await hashFile(target, signal);
      }
      const facts: ImageFacts = { spec: 1, kind, name, inputs, builtAt: now.toISOString(), files, programs, packages };
      await writeFile(join(temporary, RECORD), `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o444 });
      await rename(temporary, place).catch((error: unknown) => {
        // The very same, built before or at the same time: machines may run on it, so that one stays.
        if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return readImage(place);
  }

  return { list, open, verify, ensure };
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
