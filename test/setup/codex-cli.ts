import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { manifest } from '@sallyport/provider-codex';

const cache = fileURLToPath(new URL('../../node_modules/.cache/sallyport/clis', import.meta.url));

/** The real Codex CLI as the manifest pins it, installed once below `node_modules/.cache`. Returns its executable. */
export async function ensureCodexCli(signal: AbortSignal): Promise<string> {
  const { package: name, version, lockfile, bin } = manifest.cli;
  const platform = `${process.platform}-${process.arch}`;
  const path = bin[platform];
  if (path === undefined) throw new Error(`There is no Codex CLI for ${platform}.`);
  const directory = join(cache, `codex-${version}`);
  const executable = join(directory, path);
  if (await exists(executable)) return executable;
  await mkdir(cache, { recursive: true });
  const unlock = await lock(`${directory}.lock`, signal);
  try {
    if (await exists(executable)) return executable;
    const unfinished = `${directory}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await writeFile(join(unfinished, 'package-lock.json'), lockfile);
    await writeFile(
      join(unfinished, 'package.json'),
      JSON.stringify({ name: 'sallyport-cli-codex', version: '0.0.0', dependencies: { [name]: version } }),
    );
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      signal,
      cwd: unfinished,
    });
    await rename(unfinished, directory);
    return executable;
  } finally {
    await unlock();
  }
}

/** The CLI's callback port is fixed: a second `codex login` on this host would cancel the first. */
export function lockCallbackPort(signal: AbortSignal): Promise<() => Promise<void>> {
  return lock(join(tmpdir(), 'sallyport-test-callback-port.lock'), signal);
}

/** `mkdir` either makes the folder or fails, whoever else tries (the oldest lock there is). */
async function lock(path: string, signal: AbortSignal): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    try {
      await mkdir(path);
      return () => rm(path, { recursive: true, force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const age = await stat(path).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    // Nothing that takes this lock runs for so long: whoever held it was killed.
    if (age > 5 * 60_000) await rm(path, { recursive: true, force: true });
    await sleep(100, undefined, { signal });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
