import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import type { BuildContext } from './build.ts';
import type { InstalledPackage } from './image.ts';
import { runTool } from './run-tool.ts';

/** A Debian package unpacked, with nothing of it installed and none of its scripts run. */
export interface UnpackedPackage {
  readonly directory: string;
  readonly facts: InstalledPackage;
}

/** Fetches a package through this host's apt, which checks its signature, and unpacks it. */
export async function unpackPackage(
  name: string,
  { scratch, signal, onProgress }: BuildContext,
): Promise<UnpackedPackage> {
  const download = join(scratch, `${name}.download`);
  const directory = join(scratch, name);
  await mkdir(download);
  onProgress(`Fetching ${name} from Debian.`);
  await runTool({ file: 'apt-get', args: ['download', '-q', name], cwd: download, signal });
  const [file] = await readdir(download);
  if (file === undefined) {
    throw new SallyportError('MACHINE_IMAGE_FAILED', `apt fetched no package ${name}.`, {
      hint: 'Run: apt-get update',
    });
  }
  const archive = join(download, file);
  const format = '--showformat=${Package}\\t${Version}\\t${Architecture}';
  const [line = ''] = await runTool({ file: 'dpkg-deb', args: ['--show', format, archive], signal });
  const [packageName = '', version = '', architecture = ''] = line.split('\t');
  await runTool({ file: 'dpkg-deb', args: ['--extract', archive, directory], signal });
  return { directory, facts: { name: packageName, version, architecture } };
}

/** What a package that is only a name for the newest of its kind stands for. */
export async function firstDependency(name: string, signal: AbortSignal): Promise<string> {
  const lines = await runTool({ file: 'apt-cache', args: ['depends', '--important', name], signal });
  const dependency = lines.map((line) => /^\s+Depends: (\S+)$/.exec(line)?.[1]).find((found) => found !== undefined);
  if (dependency === undefined) {
    throw new SallyportError('MACHINE_IMAGE_FAILED', `This host's apt does not know ${name}.`, {
      hint: 'Kernels are taken from Debian. On a Debian host run: apt-get update',
    });
  }
  return dependency;
}
