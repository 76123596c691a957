import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { createCliInstaller, createImageStore, debianKernel, rootImage, sourceKernel } from '@sallyport/machines';
import type { Image, ImageCli } from '@sallyport/machines';
import { manifest as claude } from '@sallyport/provider-claude';
import { manifest as codex } from '@sallyport/provider-codex';
import { manifest as gemini } from '@sallyport/provider-gemini';

import { cliCache, imageCache } from './cache.ts';
import { makeDataDirectory } from './server.ts';

/** What virtual machines in these tests are made of, as `sallyport images build` makes it for an operator. */
export interface MachineImages {
  /** The ELF file compiled from Debian's source, for both engines. */
  readonly kernel: Image;
  /** Debian's own with an initrd, for QEMU's `pc`. */
  readonly debianKernel: Image;
  /** With the CLI of each of our providers, as is the next one. */
  readonly cli: Image;
  readonly browser: Image;
}

/** Kept between runs. A link to another directory is as good: an image is named by what is in it. */
export const imageStore = createImageStore({ directory: imageCache });

/** For a server whose machines are virtual ones. */
export async function makeDataDirectoryWithImages(): Promise<string> {
  const directory = await makeDataDirectory();
  await symlink(imageCache, join(directory, 'images'));
  return directory;
}

/** The images, built now where they are not here yet. The setup of these tests has seen to that before the first one. */
export async function machineImages(): Promise<MachineImages> {
  // The compiler takes what processor time is left; the others mostly wait for packages.
  const [kernel, others] = await Promise.all([
    ensureImage(sourceKernel()),
    cliMachineImages().then(async (images) => ({ ...images, browser: await ensureImage(buildOf('browser')) })),
  ]);
  return { kernel, ...others };
}

/** Those of a CLI machine that boots as QEMU's `pc`. */
export async function cliMachineImages(): Promise<Pick<MachineImages, 'debianKernel' | 'cli'>> {
  return { debianKernel: await ensureImage(debianKernel()), cli: await ensureImage(buildOf('cli')) };
}

/** What makes the root file system of a kind of machine, with our providers' CLIs. */
export function buildOf(kind: 'cli' | 'browser'): ReturnType<typeof rootImage> {
  return rootImage({ kind, node: agentBundle().node, clis });
}

const { signal } = new AbortController();
const installer = createCliInstaller({ directory: cliCache });

const clis = [codex, claude, gemini].map(({ id, cli }): ImageCli => ({
  provider: id,
  cli,
  directory: (options) => installer.ensure(cli, id, options),
}));

/** Installs the CLIs where image builds take them from, as an operator does first; images that are here need none. */
export async function installClis(): Promise<void> {
  for (const { directory } of clis) await directory({ signal, onProgress: (message) => console.log(message) });
}

/** An image, built now unless the cache has it. */
export async function ensureImage(build: ReturnType<typeof rootImage>): Promise<Image> {
  return imageStore.ensure(await build, { signal, now: new Date(), onProgress: (message) => console.log(message) });
}
