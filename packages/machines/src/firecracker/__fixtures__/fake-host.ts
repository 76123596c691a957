import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';

import type { Image, ImageKind } from '../../images/image.ts';
import { KERNEL_FILE, ROOT_FILE } from '../../images/image.ts';
import { pickImage } from '../../images/pick-image.ts';
import type { ImageStore } from '../../images/store.ts';
import type { FirecrackerDriverOptions } from '../driver.ts';
import { becomeFakeFirecracker } from './fake-program.ts';
import { createFileNetwork } from './file-network.ts';

export interface FakeHostOptions {
  /** Everything is below it. */
  readonly directory: string;
  /** Machines with nothing inside that answer to everything: for tests of what is around them. */
  readonly hollow?: boolean;
}

/** A host for the driver, with a jailer and a Firecracker that are fakes as strict as the real ones. */
export async function prepareFakeHost({ directory, hollow = false }: FakeHostOptions): Promise<FirecrackerDriverOptions> {
  const dataDirectory = join(directory, 'data');
  const programs = join(directory, 'programs');
  await mkdir(join(dataDirectory, 'cgroups'), { recursive: true });
  await mkdir(programs, { recursive: true });
  const node = process.execPath;
  return {
    dataDirectory,
    clock: systemClock,
    network: createFileNetwork(join(dataDirectory, 'network')),
    images: await writeImages(join(directory, 'images')),
    programs: {
      jailer: await program(programs, 'jailer', `exec ${node} ${join(import.meta.dirname, 'fake-jailer.mjs')} "$@"`),
      firecracker: await program(
        programs,
        'firecracker',
        `${VERSIONS}\n${becomeFakeFirecracker(hollow ? '--hollow' : '')}`,
      ),
    },
    groups: {
      // The fake jailer's.
      mount: join(dataDirectory, 'cgroups'),
      remove: (folder) => rm(folder, { recursive: true }),
    },
  };
}

/** What a host looks at before there is anything to run. */
const VERSIONS = `case $1 in --version) exec echo 'Firecracker v1.16.1' ;; --snapshot-version) exec echo v10.0.0 ;; esac`;

async function program(folder: string, name: string, line: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${line}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Nothing reads what is in them. */
async function writeImages(directory: string): Promise<ImageStore> {
  await mkdir(directory, { recursive: true });
  await Promise.all([ROOT_FILE, KERNEL_FILE].map((name) => writeFile(join(directory, name), name, { mode: 0o444 })));
  const image = (kind: ImageKind): Image => ({
    spec: 1,
    kind,
    name: `${kind}-0123456789abcdef`,
    inputs: '',
    builtAt: '2026-11-24T00:00:00Z',
    files: {},
    programs: {},
    packages: [],
    directory,
  });
  const images = (['browser', 'cli', 'kernel'] as const).map(image);
  return {
    list: async () => images,
    listDamaged: async () => [],
    open: async (wanted) => {
      const found = pickImage(images, wanted);
      if (!found) throw new Error(`no image ${JSON.stringify(wanted)}`);
      return found;
    },
    verify: async () => {},
    ensure: () => Promise.reject(new Error('nothing is built here')),
  };
}
