import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { createNpmCause, endOfNpm } from '@sallyport/core/driver';
import { execa } from 'execa';

import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { npmEnvironment, userConfig } from './npm-environment.ts';
import { npmCommand } from './npm-sandbox.ts';

export interface NpmQueryOptions {
  readonly npm: string;
  readonly sandbox: ProbedSandbox;
  /** What npm is asked, for errors. */
  readonly what: string;
  /** Its egress, in a sandbox. Default: none. */
  readonly egress: NpmEgressUse | undefined;
  readonly signal: AbortSignal;
}

/** What a run of npm uses of its egress. */
export interface NpmEgressUse {
  readonly socketPath: string;
  /** What kept npm from a host so far, one line each. */
  readonly problems: () => readonly string[];
}

export interface NpmQuery {
  /** Runs npm in the directory, and returns what it prints. Throws PROVIDER_CLI_MISSING if it fails. */
  readonly npm: (words: readonly string[]) => Promise<string>;
  /** An empty directory, which is removed afterwards. */
  readonly directory: string;
  /** The environment that npm runs in. */
  readonly env: Readonly<Record<string, string>>;
}

/** Asks npm something in an empty directory. */
export async function askNpm<Answer>(
  options: NpmQueryOptions,
  work: (query: NpmQuery) => Promise<Answer>,
): Promise<Answer> {
  const { sandbox, what, egress, signal } = options;
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-npm-'));
  try {
    const place = { npm: options.npm, directory, cache: join(directory, '.npm-cache') };
    const env = npmEnvironment(place);
    const config = await userConfig();
    const npm = async (words: readonly string[]): Promise<string> => {
      const args = [...words, '--no-update-notifier', '--loglevel=error'];
      const command = await npmCommand({ ...place, env, config, args, sandbox, egressSocket: egress?.socketPath });
      const [file, ...rest] = command;
      const run = await execa(file, rest, {
        cwd: directory,
        env,
        extendEnv: false,
        reject: false,
        stdin: 'ignore',
        cancelSignal: signal,
        maxBuffer: 16 * 1024 * 1024,
      });
      signal.throwIfAborted();
      if (!run.failed) return run.stdout;
      const cause = createNpmCause();
      for (const line of run.stderr.split('\n')) cause.add(line);
      const problem = [...(egress?.problems() ?? []), cause.failure(endOfNpm(run))].join('\n');
      throw new SallyportError('PROVIDER_CLI_MISSING', `npm could not answer for ${what}.`, {
        details: { npm: problem },
        hint: problem,
      });
    };
    return await work({ npm, directory, env });
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}
