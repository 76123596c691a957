import { hostname } from 'node:os';
import { join } from 'node:path';

import { unproxiedHosts } from '@sallyport/core/engine';

import type { TrustFiles } from './trust.ts';

/** What every CLI in this machine is started with. */
export interface CliSurroundings {
  /** The agent's own directory; `bin` below it comes first on the PATH. */
  readonly runtime: string;
  /** Loopback port of the egress forwarder; absent without an egress. */
  readonly proxyPort: number | undefined;
  readonly trust: TrustFiles | undefined;
}

/** Name of the program that a CLI starts to open a link. */
export const BROWSER_COMMAND = 'sallyport-browser';

/**
 * The whole environment of a CLI. Built from nothing: no variable of the agent's own gets through. What the
 * manifest or the request adds cannot replace what the machine itself sets.
 */
export function cliEnvironment(
  surroundings: CliSurroundings,
  home: string,
  ...additions: readonly Readonly<Record<string, string>>[]
): Record<string, string> {
  const { runtime, proxyPort, trust } = surroundings;
  const programs = join(runtime, 'bin');
  return {
    ...Object.assign({}, ...additions),
    HOME: home,
    PATH: `${programs}:/usr/local/bin:/usr/bin:/bin`,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    TMPDIR: join(runtime, 'tmp'),
    BROWSER: join(programs, BROWSER_COMMAND),
    ...gitVariables(),
    ...(proxyPort !== undefined && proxyVariables(proxyPort)),
    ...(trust && { SSL_CERT_FILE: trust.bundle, NODE_EXTRA_CA_CERTS: trust.own }),
  };
}

/**
 * CLIs ask git about the working directory by themselves, and a repository may name programs for git to run then. These
 * go before what it says. Hooks and filters are left alone here: a prompt that commits, or uses LFS, needs
 * them; see `installGitWrapper`.
 */
const gitSettings = {
  'core.fsmonitor': 'false',
  // Runs any command as if it were a server.
  'protocol.ext.allow': 'never',
  // Has `git log` run `gpg.program` for each signed commit.
  'log.showSignature': 'false',
};

function gitVariables(): Record<string, string> {
  const entries = Object.entries(gitSettings);
  const numbered = entries.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  // Without locks `git status` does not write the index, after which it would run a hook.
  return { ...Object.fromEntries(numbered), GIT_CONFIG_COUNT: String(entries.length), GIT_OPTIONAL_LOCKS: '0' };
}

/** Both spellings: curl reads only `http_proxy`, others only the capitals. */
function proxyVariables(port: number): Record<string, string> {
  const proxy = `http://127.0.0.1:${port}`;
  // The machine's own name as well: its servers are reached by it.
  const direct = [...unproxiedHosts, hostname()].join(',');
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    NO_PROXY: direct,
    http_proxy: proxy,
    https_proxy: proxy,
    no_proxy: direct,
  };
}
