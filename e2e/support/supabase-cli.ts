import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { toolCache } from './cache.ts';
import { HANG_LIMIT_MS } from './hang-limit.ts';

const run = promisify(execFile);
const version = '3.1.0';

/** Supabase's command line, from npm. Returns the path of its program. */
export async function ensureSupabaseCli(): Promise<string> {
  const directory = join(toolCache, `supabase-${version}`);
  const program = join(directory, 'node_modules', '.bin', 'supabase');
  if (existsSync(program)) return program;
  await mkdir(toolCache, { recursive: true });
  const fresh = await mkdtemp(join(toolCache, '.supabase-'));
  await writeFile(join(fresh, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `supabase@${version}`], {
    cwd: fresh,
    timeout: HANG_LIMIT_MS,
  });
  await rename(fresh, directory).catch(() => rm(fresh, { recursive: true, force: true }));
  return program;
}

/** Runs it in a project's directory against a database. Resolves to everything it printed, and its exit code. */
export async function runSupabase(
  program: string,
  words: readonly string[],
  project: string,
): Promise<{ readonly code: number; readonly text: string }> {
  const options = {
    cwd: project,
    timeout: HANG_LIMIT_MS,
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: project, NO_COLOR: '1' },
  };
  try {
    const { stdout, stderr } = await run(program, words, options);
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = Object(error);
    return { code: Number(code), text: `${stdout}${stderr}` };
  }
}
