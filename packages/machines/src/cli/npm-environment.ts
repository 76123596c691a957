import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { programPath } from '../host/programs.ts';

/** What of the operator's environment tells how to reach a registry. npm reads it; the CLI never sees it. */
const PASSED_ON =
  /^(https?_proxy|no_proxy|all_proxy|npm_config_(registry|userconfig|proxy|https_proxy|noproxy|cafile|strict_ssl)|node_extra_ca_certs|ssl_cert_(file|dir))$/i;

/** The environment npm runs in: how to reach a registry, and nothing else of the operator's. */
export function npmEnvironment(run: {
  readonly npm: string;
  readonly directory: string;
  readonly cache: string;
}): Readonly<Record<string, string>> {
  const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  return {
    ...Object.fromEntries(passedOn.map(([name, value]) => [name, value ?? ''])),
    // npm is a script for `node`: the one that runs us must be found first.
    PATH: [dirname(process.execPath), dirname(run.npm), programPath].join(':'),
    HOME: run.directory,
    npm_config_cache: run.cache,
    npm_config_logs_max: '0',
    // A user waits and watches: npm's own pauses, 10 and then 60 s, would leave them without a word for over a minute.
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_fetch_retry_maxtimeout: '10000',
  };
}

/** The operator's npm settings (a company's registry). `HOME` is not theirs where npm runs, so npm has to be told. */
export async function userConfig(): Promise<string | undefined> {
  const path =
    process.env['npm_config_userconfig'] ?? process.env['NPM_CONFIG_USERCONFIG'] ?? join(homedir(), '.npmrc');
  return access(path).then(
    () => path,
    () => undefined,
  );
}
