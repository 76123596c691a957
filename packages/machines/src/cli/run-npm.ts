import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { execa } from 'execa';

import { programPath } from '../host-programs.ts';
import { noteInstaller } from './leftovers.ts';

export interface NpmRun {
  readonly npm: string;
  readonly directory: string;
  readonly cache: string;
  readonly packageCount: number;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string, fraction?: number) => void;
}

/** What of the operator's environment tells how to reach a registry. npm reads it; the CLI never sees it. */
const PASSED_ON =
  /^(https?_proxy|no_proxy|all_proxy|npm_config_(registry|userconfig|proxy|https_proxy|noproxy|cafile|strict_ssl)|node_extra_ca_certs|ssl_cert_(file|dir))$/i;

const LAST_LINES = 12;

/** Runs `npm ci` without install scripts. Returns its last words when it failed. */
export async function runNpm(run: NpmRun): Promise<string | undefined> {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=http'];
  const npm = execa(run.npm, [...args, ...(await userConfigArguments())], {
    cwd: run.directory,
    env: npmEnvironment(run),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    cancelSignal: run.signal,
    maxBuffer: 4 * 1024 * 1024,
  });
  // Without the note a crash leaves more behind, which is no reason to give up now.
  const noted = noteInstaller(run.directory, npm.pid).catch(() => undefined);
  const lastLines: string[] = [];
  let fetched = 0;
  for await (const line of npm.iterable({ from: 'all' })) {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) {
      lastLines.shift();
    }
    const archive = /http (?:fetch|cache) .*\/([^/\s]+\.tgz)/.exec(line)?.[1];
    if (archive !== undefined) {
      fetched += 1;
      run.onProgress(`Fetched ${archive}`, Math.min(fetched / Math.max(run.packageCount, 1), 0.95));
    }
  }
  const result = await npm;
  await noted;
  return result.failed
    ? [result.shortMessage, ...lastLines.filter((line) => !line.includes(' http '))].join('\n')
    : undefined;
}

function npmEnvironment(run: NpmRun): Readonly<Record<string, string>> {
  const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  return {
    ...Object.fromEntries(passedOn.map(([name, value]) => [name, value ?? ''])),
    // npm is a script for `node`: the one that runs us must be found first.
    PATH: [dirname(process.execPath), dirname(run.npm), programPath].join(':'),
    HOME: run.directory,
    npm_config_cache: run.cache,
    npm_config_logs_max: '0',
    // Somebody waits and watches: npm's own pauses, 10 and then 60 s, would leave them without a word for over a minute.
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_fetch_retry_maxtimeout: '10000',
  };
}

/** `HOME` is not the operator's here, so their npm settings (a company's registry) are named outright. */
async function userConfigArguments(): Promise<readonly string[]> {
  const path =
    process.env['npm_config_userconfig'] ?? process.env['NPM_CONFIG_USERCONFIG'] ?? join(homedir(), '.npmrc');
  return access(path).then(
    () => [`--userconfig=${path}`],
    () => [],
  );
}
