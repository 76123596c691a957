import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Clock, ProviderManifest } from '@sallyport/core';
import { createCliInstaller, createImageStore, debianKernel, rootImage, sourceKernel } from '@sallyport/machines';
import type { Image, ImageCli, ImageStore } from '@sallyport/machines';

/** What `sallyport images` works with. */
export interface ImagesCommand {
  readonly manifests: readonly ProviderManifest[];
  readonly dataDirectory: string;
  /** The Node executable that agents run with. */
  readonly node: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
  readonly options: {
    /** Build with the packages that Debian has today, though the same image is here. */
    readonly refresh?: boolean | undefined;
    /** Compile the kernel. */
    readonly source?: boolean | undefined;
  };
}

export const imagesUsage = `sallyport images build cli|browser|kernel [--refresh] [--source]
       sallyport images list
       sallyport images verify [NAME]`;

/** Builds, lists or verifies the golden images of this host. */
export async function imagesCommand(words: readonly string[], command: ImagesCommand): Promise<void> {
  const [action = 'list', name, ...rest] = words;
  const store = createImageStore({ directory: join(command.dataDirectory, 'images') });
  if (rest.length > 0) throw unknownCommand(words);
  if (action === 'list' && name === undefined) return list(store, command);
  if (action === 'verify') return verify(store, name, command);
  if (action === 'build' && isBuildable(name)) return build(store, name, command);
  throw unknownCommand(words);
}

type Buildable = 'cli' | 'browser' | 'kernel';

function isBuildable(name: string | undefined): name is Buildable {
  return name === 'cli' || name === 'browser' || name === 'kernel';
}

async function build(store: ImageStore, kind: Buildable, command: ImagesCommand): Promise<void> {
  const { signal, print, clock, options } = command;
  const { refresh = false, source = false } = options;
  const kernel = source ? sourceKernel : debianKernel;
  const image = await store.ensure(
    kind === 'kernel' ? await kernel() : await rootImage({ kind, node: command.node, clis: clisOf(command) }),
    { signal, onProgress: print, refresh, now: new Date(clock.now()) },
  );
  print(`${image.name}: ${summary(image)}`);
  print(image.directory);
}

/** The CLIs as the process driver installs them: the same versions, by the same lockfiles. */
function clisOf({ manifests, dataDirectory }: ImagesCommand): readonly ImageCli[] {
  const installer = createCliInstaller({ directory: join(dataDirectory, 'clis') });
  return manifests.map(({ id, cli }) => ({
    provider: id,
    cli,
    directory: (options) => installer.ensure(cli, id, options),
  }));
}

async function list(store: ImageStore, { print }: ImagesCommand): Promise<void> {
  const images = await store.list();
  if (images.length === 0) print('There are no images. Build them: sallyport images build cli|browser|kernel');
  for (const image of images) {
    print(`${image.name}  built ${image.builtAt}`);
    print(`    ${summary(image)}`);
  }
}

function summary({ packages, programs }: Image): string {
  const named = Object.entries(programs).map(([name, version]) => `${name} ${version}`);
  const debian =
    packages.length > 3
      ? [`${packages.length} Debian packages`]
      : packages.map(({ name, version }) => `${name} ${version}`);
  return [...named, ...debian].join(', ');
}

async function verify(store: ImageStore, name: string | undefined, command: ImagesCommand): Promise<void> {
  const images = (await store.list()).filter((image) => name === undefined || image.name === name);
  if (images.length === 0) {
    throw new SallyportError('MACHINE_IMAGE_MISSING', `There is no image${name === undefined ? '' : ` "${name}"`}.`);
  }
  for (const image of images) {
    await store.verify(image, command);
    command.print(`${image.name}: ${Object.keys(image.files).join(', ')} as built`);
  }
}

function unknownCommand(words: readonly string[]): SallyportError {
  return new SallyportError('CONFIG_INVALID', `There is no command "images ${words.join(' ')}".`, {
    hint: `Usage: ${imagesUsage}`,
  });
}
