import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';

import { execa } from 'execa';

import { once } from '../host/once.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { findProgram } from '../host/programs.ts';
import { systemDirectories } from '../host/system-directories.ts';
import { bridgeArguments } from './egress-bridge.ts';

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
  /** Unix socket of the HTTP proxy through which npm leaves its sandbox. Without one it reaches no host. */
  readonly egressSocket: string | undefined;
}

/**
 * The command that runs npm. What npm reads is written by authors nobody trusts, so it sees its own program and Node,
 * the system's programs and libraries, whom to trust, the directory it installs into and its cache. Its network has
 * a loopback interface alone, and the proxy of `openNpmEgress`. Without bubblewrap it runs as any program of the host.
 */
export async function npmCommand(command: NpmCommand): Promise<readonly [file: string, ...args: string[]]> {
  const { sandbox, npm, directory, cache, env, config, egressSocket } = command;
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
    ...(egressSocket === undefined ? [] : ['--bind', egressSocket, INSIDE_EGRESS]),
    ...Object.keys(env).flatMap((name) => (NAMES_PROXY.test(name) ? ['--unsetenv', name] : [])),
    // What bubblewrap made to mount things on is not for npm to fill.
    '--remount-ro',
    '/',
    '--chdir',
    directory,
    '--',
    ...(egressSocket === undefined ? [] : [process.execPath, ...bridgeArguments(INSIDE_EGRESS)]),
    ...(isScript ? [process.execPath, program] : [program]),
    ...args,
  ];
}

/** Where npm's sandbox has the socket of its egress. */
const INSIDE_EGRESS = '/run/egress.sock';

/** Variables that name what npm reads to trust a registry. Directories of keys are not among them. */
const NAMES_FILE = /^(node_extra_ca_certs|ssl_cert_(file|dir)|npm_config_cafile)$/i;

/** Variables that name the operator's proxy and its exemptions, which the egress honors in npm's place. */
const NAMES_PROXY = /^(https?_proxy|all_proxy|no_proxy)$/i;

/** Whom to trust, and npm's settings for the whole host. The egress resolves names. */
const SHARED = [
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
    ...'--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try'.split(' '),
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

/** How npm is kept from the files, processes and network of this host. Probed once. */
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
