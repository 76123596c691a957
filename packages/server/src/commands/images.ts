import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { ProviderManifest } from '@sallyport/core/provider';
import {
  createCliInstaller,
  createImageStore,
  debianKernel,
  pruneHostImages,
  rootImage,
  sourceKernel,
} from '@sallyport/machines';
import type { DamagedImage, Image, ImageCli, ImageStore } from '@sallyport/machines';
import { Argument } from 'commander';
import type { Command } from 'commander';

import { qemuSettings } from '../config/choose-driver.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { defaultUnlessNamed } from './context.ts';
import type { CommandContext } from './context.ts';
import { takeDirectory } from './open-store.ts';

/** What `sallyport images` works with. */
interface ImagesCommand {
  readonly manifests: readonly ProviderManifest[];
  readonly driver: LoadedConfig['driver'];
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

/** `sallyport images`: builds, lists, verifies or removes the golden images of this host. */
export function registerImages(program: Command, context: CommandContext): void {
  const prepare = async (options: ImagesCommand['options'] = {}): Promise<ImagesCommand> => {
    const { providers, driver } = await context.loadConfig();
    const manifests = providers.map(({ manifest }) => manifest);
    const { dataDirectory } = context.environment();
    const { clock, print } = context;
    const signal = context.interrupted();
    return { manifests, driver, dataDirectory, node: agentBundle().node, clock, signal, print, options };
  };
  const group = program
    .command('images')
    .description('build, list, verify or remove the golden images of virtual machines');
  group
    .command('list', defaultUnlessNamed(context))
    .description('list the images of this host (default)')
    .action(async () => list(await prepare()));
  group
    .command('build')
    .description("build the system of a CLI machine, of a browser machine, or the kernel (Debian's)")
    .addArgument(new Argument('<kind>', 'what to build').choices(['cli', 'browser', 'kernel']))
    .optionsGroup('Options of build:')
    .option('--refresh', 'build with the packages of today, even if the image exists')
    .option('--source', "compile the kernel here instead of using Debian's")
    .action(async (kind: Buildable, options: ImagesCommand['options']) => build(kind, await prepare(options)));
  group
    .command('verify')
    .description('compare every file of the images with the hash it was built with')
    .argument('[name]', 'one image (default: all)')
    .action(async (name: string | undefined) => verify(name, await prepare()));
  group
    .command('prune')
    .description('remove the images that no machine, snapshot or template needs, except the newest of each kind')
    .optionsGroup('Options of prune:')
    .option('--dry-run', 'list what would be removed, and remove nothing')
    .option('--keep <name...>', 'images that a plugin chooses for new machines')
    .action(async (options: PruneOptions) => prune(options, await prepare()));
}

type Buildable = 'cli' | 'browser' | 'kernel';

function storeOf({ dataDirectory }: ImagesCommand): ImageStore {
  return createImageStore({ directory: join(dataDirectory, 'images') });
}

async function build(kind: Buildable, command: ImagesCommand): Promise<void> {
  const { signal, print, clock, options } = command;
  const { refresh = false, source = false } = options;
  const kernel = source ? sourceKernel : debianKernel;
  const image = await storeOf(command).ensure(
    kind === 'kernel' ? await kernel() : await rootImage({ kind, node: command.node, clis: clisOf(command) }),
    { signal, onProgress: print, refresh, now: new Date(clock.now()) },
  );
  print(`${image.name}: ${summary(image)}`);
  print(image.directory);
}

interface PruneOptions {
  readonly dryRun?: boolean | undefined;
  readonly keep?: readonly string[] | undefined;
}

/** Keeps a stopped server from starting meanwhile. Beside a running one it is safe, see {@link pruneHostImages}. */
async function prune({ dryRun = false, keep = [] }: PruneOptions, command: ImagesCommand): Promise<void> {
  const { driver, dataDirectory, print } = command;
  refuseUnknownDriver(driver);
  const data = await takeDirectory(dataDirectory);
  try {
    const { removed, kept } = await pruneHostImages({ dataDirectory, keep, dryRun });
    for (const { image, by } of kept) print(`keeps ${image}: ${by}`);
    for (const { name, error } of await storeOf(command).listDamaged()) print(`keeps ${name}: ${error.message}`);
    for (const { name, bytes } of removed) print(`${dryRun ? 'would remove' : 'removed'} ${name}: ${bytes} bytes`);
    const freed = removed.reduce((sum, { bytes }) => sum + bytes, 0);
    print(`${dryRun ? 'Would free' : 'Freed'} ${freed} bytes.`);
  } finally {
    if (data !== 'busy') await data.release();
  }
}

/** A driver from elsewhere keeps records that only it can read. */
function refuseUnknownDriver(driver: LoadedConfig['driver']): void {
  if (driver === 'process' || driver === 'firecracker' || qemuSettings(driver)) return;
  throw new SallyportError(
    'CONFIG_INVALID',
    'The driver of the configuration is not one of ours, so it is unknown which images its machines need. None is removed.',
    { hint: 'Remove the directories of images that you know are not needed by hand.' },
  );
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

async function list(command: ImagesCommand): Promise<void> {
  const { print } = command;
  const store = storeOf(command);
  const images = await store.list();
  const damaged = await store.listDamaged();
  if (images.length + damaged.length === 0)
    print('There are no images. Build them: sallyport images build cli|browser|kernel');
  for (const image of images) {
    print(`${image.name}  built ${image.builtAt}`);
    print(`    ${summary(image)}`);
  }
  for (const { name, error } of damaged) print(`${name}  damaged: ${error.message}`);
}

function summary({ packages, programs }: Image): string {
  const named = Object.entries(programs).map(([name, version]) => `${name} ${version}`);
  const debian =
    packages.length > 3
      ? [`${packages.length} Debian packages`]
      : packages.map(({ name, version }) => `${name} ${version}`);
  return [...named, ...debian].join(', ');
}

/** Verifies all of them before it fails, so that one damaged image hides no other. */
async function verify(name: string | undefined, command: ImagesCommand): Promise<void> {
  const store = storeOf(command);
  const isWanted = (image: { readonly name: string }): boolean => name === undefined || image.name === name;
  const images = (await store.list()).filter(isWanted);
  const failures: DamagedImage[] = (await store.listDamaged()).filter(isWanted);
  if (images.length === 0 && failures.length === 0) {
    throw new SallyportError('MACHINE_IMAGE_MISSING', `There is no image${name === undefined ? '' : ` "${name}"`}.`);
  }
  for (const image of images) {
    try {
      await store.verify(image, command);
      command.print(`${image.name}: ${Object.keys(image.files).join(', ')} as built`);
    } catch (error) {
      if (!SallyportError.isInstance(error)) throw error;
      failures.push({ name: image.name, error });
    }
  }
  for (const failure of failures) command.print(`${failure.name}: ${failure.error.message}`);
  const [first] = failures;
  if (first) {
    const names = failures.map((failure) => failure.name).join(', ');
    throw new SallyportError('MACHINE_IMAGE_DAMAGED', `Damaged images: ${names}.`, { cause: first.error });
  }
}
