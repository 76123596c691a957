import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { manifest } from '@sallyport/provider-gemini';

const cache = fileURLToPath(new URL('../../node_modules/.cache/sallyport/clis', import.meta.url));

/** The real Gemini CLI as the manifest pins it, installed once below `node_modules/.cache`. Returns its script. */
export async function ensureGeminiCli(signal: AbortSignal): Promise<string> {
  const { package: name, version, lockfile, bin } = manifest.cli;
  const platform = `${process.platform}-${process.arch}`;
  const path = bin[platform];
  if (path === undefined) throw new Error(`There is no Gemini CLI for ${platform}.`);
  const directory = join(cache, `gemini-${version}`);
  const script = join(directory, path);
  if (await exists(script)) return script;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    await writeFile(join(unfinished, 'package-lock.json'), lockfile);
    await writeFile(
      join(unfinished, 'package.json'),
      JSON.stringify({ name: 'sallyport-cli-gemini', version: '0.0.0', dependencies: { [name]: version } }),
    );
    const options = ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', options, { signal, cwd: unfinished });
    await rename(unfinished, directory);
  } catch (error) {
    // Another run has been faster: a folder is never renamed onto one that is not empty.
    if (!(await exists(script))) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return script;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
