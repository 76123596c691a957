import { createNpmCause, endOfNpm } from '@sallyport/core/driver';
import { execa } from 'execa';

import type { NpmEgressUse } from './ask-npm.ts';
import { noteInstaller } from './leftovers.ts';
import { npmEnvironment, userConfig } from './npm-environment.ts';
import { npmCommand } from './npm-sandbox.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';

export interface NpmRun {
  readonly npm: string;
  readonly directory: string;
  readonly cache: string;
  readonly packageCount: number;
  readonly sandbox: ProbedSandbox;
  /** Its egress, in a sandbox. */
  readonly egress: NpmEgressUse | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string, fraction?: number) => void;
}

/** Runs `npm ci` without install scripts, in a sandbox if there is one. Returns the cause when it failed. */
export async function runNpm(run: NpmRun): Promise<string | undefined> {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=http'];
  const env = npmEnvironment(run);
  const config = await userConfig();
  const [file, ...words] = await npmCommand({ ...run, env, config, args, egressSocket: run.egress?.socketPath });
  const npm = execa(file, words, {
    cwd: run.directory,
    env,
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    cancelSignal: run.signal,
    maxBuffer: 4 * 1024 * 1024,
  });
  // Without the note a crash leaves more behind, and the run goes on.
  const noted = noteInstaller(run.directory, npm.pid).catch(() => undefined);
  const cause = createNpmCause();
  let fetched = 0;
  for await (const line of npm.iterable({ from: 'all' })) {
    cause.add(line);
    const archive = /http (?:fetch|cache) .*\/([^/\s]+\.tgz)/.exec(line)?.[1];
    if (archive !== undefined) {
      fetched += 1;
      run.onProgress(`Fetched ${archive}`, Math.min(fetched / Math.max(run.packageCount, 1), 0.95));
    }
  }
  const result = await npm;
  await noted;
  if (!result.failed) return cause.unpackFailure();
  return [...(run.egress?.problems() ?? []), cause.failure(endOfNpm(result))].join('\n');
}
