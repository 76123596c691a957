import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';

import { execa } from 'execa';

import { once } from '../host/once.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { findProgram } from '../host/programs.ts';
import { systemDirectories } from '../host/system-directories.ts';

export interface NpmCommand {
  readonly sandbox: ProbedSandbox;
  readonly npm: string;
  readonly args: readonly string[];
  /** Where npm installs. */
  readonly directory: string;
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  /** The operator's npm settings. */
  readonly config: string | undefined;
}

/**
 * The command that runs npm. What npm reads is written by authors nobody trusts, so it sees its own program and Node,
 * the system's programs and libraries, what it takes to reach the registry, the directory it installs into and its cache.
 * It shares the network of the host: the lockfile has been checked, but npm itself could connect to any address.
 */
export async function npmCommand(command: NpmCommand): Promise<readonly [file: string, ...args: string[]]> {
  const { sandbox, npm, directory, cache, env, config } = command;
  const args = [...command.args, ...(config === undefined ? [] : [`--userconfig=${config}`])];
  if (sandbox.bubblewrap === undefined) return [npm, ...args];
  await mkdir(cache, { recursive: true, mode: 0o755 });
  const program = await realpath(npm);
  const isScript = program.endsWith('/bin/npm-cli.js');
  const readable = [
    isScript ? dirname(dirname(program)) : program,
    ...(config === undefined ? [] : [config, ...(await certificatesNamedIn(config))]),
    ...Object.entries(env).flatMap(([name, value]) => (NAMES_FILE.test(name) && isAbsolute(value) ? [value] : [])),
  ];
  return [
    sandbox.bubblewrap,
    ...(await bubblewrapArguments()),
    ...readable.flatMap((path) => ['--ro-bind-try', path, path]),
    ...[directory, cache].flatMap((path) => ['--bind', path, path]),
    // What bubblewrap made to mount things on is not for npm to fill.
    '--remount-ro',
    '/',
    '--chdir',
    directory,
    '--',
    ...(isScript ? [process.execPath, program] : [program]),
    ...args,
  ];
}

/** Variables that name what npm reads to trust a registry. Directories of keys are not among them. */
const NAMES_FILE = /^(node_extra_ca_certs|ssl_cert_(file|dir)|npm_config_cafile)$/i;

/** How names are resolved, whom to trust, and npm's settings for the whole host. */
const SHARED = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/pki/tls/certs',
  '/etc/pki/ca-trust/extracted',
  '/etc/ca-certificates/extracted',
  '/etc/alternatives',
  '/etc/ld.so.cache',
  '/etc/npmrc',
];

async function bubblewrapArguments(): Promise<readonly string[]> {
  return [
    ...'--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try'.split(' '),
    ...'--die-with-parent --new-session --ro-bind /usr /usr'.split(' '),
    ...(await systemDirectories()),
    ...'--proc /proc --dev /dev --tmpfs /tmp'.split(' '),
    ...[...SHARED, process.execPath].flatMap((path) => ['--ro-bind-try', path, path]),
  ];
}

/** npm's settings may name a file of certificates. */
async function certificatesNamedIn(config: string): Promise<readonly string[]> {
  const text = await readFile(config, 'utf8').catch(() => '');
  const path = /^\s*cafile\s*=\s*"?([^"\n]+?)"?\s*$/m.exec(text)?.[1];
  return path !== undefined && isAbsolute(path) ? [path] : [];
}

const PROBE_TIMEOUT_MS = 10_000;

/** How npm is kept from the files and processes of this host. Probed once. */
export const npmSandbox = once(probe);

async function probe(): Promise<ProbedSandbox> {
  if (process.platform !== 'linux') return { reason: 'it exists on Linux only' };
  const bubblewrap = await findProgram('bwrap');
  if (bubblewrap === undefined) return { reason: 'it is not installed' };
  const result = await execa(bubblewrap, [...(await bubblewrapArguments()), '--', process.execPath, '--version'], {
    reject: false,
    cwd: '/',
    env: {},
    extendEnv: false,
    stdin: 'ignore',
    timeout: PROBE_TIMEOUT_MS,
  });
  if (!result.failed) return { bubblewrap };
  return { reason: `it does not work here: ${result.stderr.trim().split('\n').at(-1) || result.shortMessage}` };
}
