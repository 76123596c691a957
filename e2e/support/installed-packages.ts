import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { repository } from './server.ts';

const run = promisify(execFile);

/** Every package as npm packs it, installed into a directory of a user of Sallyport. */
export interface InstalledPackages {
  readonly directory: string;
  /** Names of the packages, such as `@sallyport/core`. */
  readonly names: readonly string[];
  /** Directory with `node` of that release, to be put in front of PATH. Downloads it the first time. */
  nodeDirectory(release: string): Promise<string>;
  /** The environment of a user of Sallyport whose Node is in that directory. */
  environment(nodeDirectory: string): NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

/** Needs npm's registry for what its cache does not have. `more` are packages to install beside ours. */
export async function installPackages(more: readonly string[]): Promise<InstalledPackages> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-packages-')));
  const [directory, tarballs] = [join(root, 'app'), join(root, 'tarballs')];
  await mkdir(directory);
  await mkdir(tarballs);
  const folders = await readdir(join(repository, 'packages'));
  const workspaces = folders.map((folder) => `--workspace=packages/${folder}`);
  await npm(repository, ['pack', ...workspaces, '--pack-destination', tarballs]);
  await writeFile(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n');
  const files = (await readdir(tarballs)).map((name) => join(tarballs, name));
  await npm(directory, ['install', '--ignore-scripts', ...files, ...more]);
  const names = await Promise.all(
    folders.map(async (folder) => {
      const manifest = await readFile(join(repository, 'packages', folder, 'package.json'), 'utf8');
      return String(JSON.parse(manifest).name);
    }),
  );
  return {
    directory,
    names,
    nodeDirectory: async (release) => {
      const folder = join(root, `node-${release}`);
      await mkdir(folder, { recursive: true });
      const name = `node-${process.platform}-${process.arch}`;
      await npm(folder, ['install', '--ignore-scripts', '--prefix', folder, `${name}@${release}`]);
      return join(folder, 'node_modules', name, 'bin');
    },
    environment: (nodeDirectory) => ({
      PATH: [nodeDirectory, ...systemPath()].join(delimiter),
      HOME: root,
      npm_config_update_notifier: 'false',
    }),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Without what npm put in front for this workspace. */
const systemPath = (): readonly string[] =>
  (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'));

async function npm(cwd: string, args: readonly string[]): Promise<void> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', [...args, ...quiet], { cwd, maxBuffer: 64 * 1024 * 1024 });
}
