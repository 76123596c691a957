import { execa } from 'execa';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import type { PinnedCli } from '../cli/lockfile.ts';
import { guestDirectory } from './guest-directory.ts';
import type { BuildContext, BuiltFiles, ImageBuild } from './build.ts';
import { hashFile } from '../host/hashing/hash-file.ts';
import { hashTree, hashValue } from './hash.ts';
import { requireTools } from './host-tools.ts';
import { ROOT_FILE } from './image.ts';
import type { ImageKind, InstalledPackage } from './image.ts';
import { recipes, SUITE } from './recipe.ts';
import { runTool } from './run-tool.ts';

/** A provider's CLI that goes into an image. */
export interface ImageCli {
  readonly provider: string;
  readonly cli: PinnedCli;
  /** Where it is installed on this host. Asked for only when the image has to be built. */
  readonly directory: (options: Pick<BuildContext, 'signal' | 'onProgress'>) => Promise<string>;
}

export interface RootImageOptions {
  readonly kind: Exclude<ImageKind, 'kernel'>;
  /** The Node executable that the agent is to run with. */
  readonly node: string;
  readonly clis: readonly ImageCli[];
}

/** The root file system of a kind of machine: Debian, our few files, Node, and the CLI of each provider. */
export async function rootImage(options: RootImageOptions): Promise<ImageBuild> {
  const { kind, node, clis } = options;
  const inputs = hashValue([
    SUITE,
    process.arch,
    recipes[kind],
    await Promise.all(layersOf(kind).map(hashTree)),
    await hashFile(join(guestDirectory, FINISH)),
    await hashFile(node),
    clis.map(({ provider, cli }) => hashValue([provider, cli.package, cli.version, cli.lockfile])).toSorted(),
  ]);
  return { kind, inputs, run: (context) => build(options, context) };
}

const FINISH = 'finish-image';

function layersOf(kind: RootImageOptions['kind']): readonly string[] {
  return ['common', ...(kind === 'browser' ? ['browser'] : [])].map((name) => join(guestDirectory, name));
}

async function build({ kind, node, clis }: RootImageOptions, context: BuildContext): Promise<BuiltFiles> {
  const { signal, onProgress } = context;
  const isRoot = process.getuid?.() === 0;
  const forStrangers = isRoot ? [] : (['newuidmap'] as const);
  await requireTools(['mmdebstrap', 'mke2fs', ...forStrangers], `Building the ${kind} image`);
  const installed: InstalledCli[] = [];
  for (const { provider, directory } of clis) installed.push({ provider, directory: await directory(context) });
  const output = await prepareOutput(isRoot, context);
  const { packages } = recipes[kind];
  const hooks = [
    ...layersOf(kind).map((layer) => `sync-in ${quote(layer)} /`),
    `upload ${quote(node)} /usr/local/bin/node`,
    ...installed.flatMap(({ provider, directory }) => [
      `mkdir -p "$1"/opt/cli/${quote(provider)}`,
      `sync-in ${quote(directory)} ${quote(`/opt/cli/${provider}`)}`,
    ]),
    `${quote(output.finish)} "$1" ${quote(output.image)} ${quote(output.packages)} ${kind}`,
  ];
  onProgress(`Building the ${kind} image: ${packages.length} packages and what they need, from Debian.`);
  await runTool({
    file: 'mmdebstrap',
    args: [
      `--mode=${isRoot ? 'root' : 'unshare'}`,
      '--variant=essential',
      `--include=${packages.join(',')}`,
      '--aptopt=Apt::Install-Recommends "false"',
      ...['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      SUITE,
      '/dev/null',
    ],
    cwd: '/',
    signal,
    onLine: (line) => {
      const step = progressOf(line);
      if (step !== undefined) onProgress(step);
    },
  });
  const versions = clis.map(({ provider, cli }) => [provider, `${cli.package}@${cli.version}`] as const);
  return {
    files: { [ROOT_FILE]: output.image },
    programs: { node: await versionOf(node), ...Object.fromEntries(versions) },
    packages: parsePackages(await readFile(output.packages, 'utf8')),
  };
}

interface InstalledCli {
  readonly provider: string;
  readonly directory: string;
}

/**
 * Where the last step writes. In a user namespace the builder is a stranger on this host, so what it writes is open
 * to strangers; nobody else can guess the way to it.
 */
async function prepareOutput(isRoot: boolean, { scratch }: BuildContext) {
  const way = join(scratch, randomBytes(16).toString('hex'));
  await mkdir(way);
  await chmod(way, 0o755);
  const [image, packages, finish] = [join(way, ROOT_FILE), join(way, 'packages'), join(way, FINISH)];
  for (const path of [image, packages]) {
    await writeFile(path, '', { flag: 'wx' });
    await chmod(path, isRoot ? 0o600 : 0o666);
  }
  await copyFile(join(guestDirectory, FINISH), finish);
  await chmod(finish, 0o755);
  return { image, packages, finish };
}

/** Lines of `dpkg-query -W`, as `finish-image` asks for them. */
export function parsePackages(text: string): readonly InstalledPackage[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', version = '', architecture = ''] = line.split('\t');
      return { name, version, architecture };
    });
}

/** A step of mmdebstrap in words. What it does to the tree by our own hooks is one step to those who wait. */
export function progressOf(line: string): string | undefined {
  const step = /^I: (\S.*?)(?:\.\.\.)?$/.exec(line)?.[1];
  if (step === undefined || /^(using|chroot|automatically|finding|cleaning|removing|success)/.test(step)) {
    return undefined;
  }
  if (step.startsWith('running --customize-hook')) return step.includes(FINISH) ? 'Writing the image.' : undefined;
  if (step.startsWith('running special hook')) {
    const target = step.split(' ').at(-1)?.replaceAll("'", '') ?? '';
    return target === '/' ? undefined : `Copying ${target}.`;
  }
  return `${step.charAt(0).toUpperCase()}${step.slice(1)}.`;
}

/** For a POSIX shell, and for mmdebstrap's own hooks, which are split the same way. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

async function versionOf(node: string): Promise<string> {
  const { stdout } = await execa(node, ['--version'], { extendEnv: false, env: {} });
  return stdout.trim().replace(/^v/, '');
}
