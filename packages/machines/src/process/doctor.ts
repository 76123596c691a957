import { readFile, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname } from 'node:path';

import { execa } from 'execa';
import type { Check } from '@sallyport/core/driver';

import { desktopPrograms, findMissingDesktopPrograms, installCommand } from '../host/programs.ts';
import type { Limiter } from '../host/limits/limiter.ts';
import { isolationFix } from './isolation.ts';
import type { Isolation } from './isolation.ts';
import { npmSandbox } from '../cli/npm-sandbox.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { findNpm } from '../cli/npm.ts';

/** Disk space for one machine: its home and an installed CLI. */
const NEEDED_BYTES = 2 * 1024 ** 3;

const OLDEST_NODE = [22, 18] as const;

/** Checks whether this host can run process machines. */
export async function checkHost(host: {
  readonly dataDirectory: string;
  readonly isolation: Isolation;
  readonly limiter: Limiter;
}): Promise<readonly Check[]> {
  return [
    checkNode(process.versions.node),
    checkIsolation(host.isolation),
    checkNamespaces(host.isolation),
    checkHomes(host.isolation),
    checkSystemCalls(host.isolation),
    checkLimits(host.limiter, await readFile('/proc/swaps', 'utf8').catch(() => '')),
    await checkDesktop(),
    await checkNpm(),
    checkNpmSandbox(await npmSandbox()),
    await checkDisk(host.dataDirectory),
  ];
}

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const isNewEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return isNewEnough
    ? { name: 'node', state: 'ok', found: `Node ${version}` }
    : {
        name: 'node',
        state: 'missing',
        found: `Node ${version}`,
        fix: `Install Node ${OLDEST_NODE.join('.')} or newer from nodejs.org`,
      };
}

function checkIsolation(isolation: Isolation): Check {
  if (isolation.bubblewrap !== undefined) {
    return { name: 'bubblewrap', state: 'ok', found: isolation.sentence };
  }
  const fix = isolationFix(isolation);
  return {
    name: 'bubblewrap',
    state: 'degraded',
    found: isolation.sentence,
    fix: fix ?? 'Bubblewrap needs Linux; on macOS machines stay plain processes.',
  };
}

function checkNamespaces(isolation: Isolation): Check {
  const name = 'user namespaces';
  if (isolation.nestedNamespaces) {
    return { name, state: 'ok', found: "work inside a machine; the browser's own sandbox is on" };
  }
  const fix =
    process.platform === 'linux'
      ? 'sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000'
      : 'They exist on Linux only; sign-in pages open in your own browser.';
  return { name, state: 'degraded', found: 'do not work inside a machine, so the desktop is unavailable', fix };
}

function checkHomes(isolation: Isolation): Check {
  const name = 'homes of CLIs';
  if (isolation.sandboxesClis) {
    return { name, state: 'ok', found: "each CLI sees its own provider's home alone" };
  }
  const fix =
    process.platform !== 'linux'
      ? 'Keeping them apart needs Linux; elsewhere connect only CLIs that may see each other.'
      : (isolationFix(isolation) ??
        'Allow user namespaces in user namespaces: sudo sysctl -w user.max_user_namespaces=10000');
  return { name, state: 'degraded', found: "not kept apart: a user's CLIs can read each other's logins", fix };
}

function checkSystemCalls(isolation: Isolation): Check {
  const name = 'system calls';
  if (isolation.filtersSystemCalls) {
    return { name, state: 'ok', found: 'machines cannot use kernel keyrings, io_uring, VSOCK or BPF' };
  }
  const fix =
    process.platform !== 'linux'
      ? 'The filter needs Linux; elsewhere run only CLIs that may act as you.'
      : (isolationFix(isolation) ?? `The filter knows x64 and arm64, not ${process.arch}; use virtual machines here.`);
  return { name, state: 'degraded', found: "not filtered: machines can use the server's kernel keyring", fix };
}

/** `swaps` is the text of `/proc/swaps`: a line of titles, and one for each place. Empty in a kernel without swap. */
export function checkLimits({ isWhole, limitsSwap, sentence }: Limiter, swaps: string): Check {
  const name = 'limits';
  const hasSwap = swaps.trim().includes('\n');
  if (isWhole && hasSwap && !limitsSwap) {
    return {
      name,
      state: 'degraded',
      found: `${sentence}: this kernel does not account for swap, and a machine can use up all of it`,
      fix: 'Add swapaccount=1 to the kernel command line and restart this host; or run: sudo swapoff -a',
    };
  }
  if (isWhole) return { name, state: 'ok', found: sentence };
  const fix =
    process.platform === 'linux'
      ? 'Run the server as root, or as a systemd service with Delegate=yes'
      : 'Limits need Linux; elsewhere connect only CLIs that you would run yourself.';
  return { name, state: 'degraded', found: `${sentence}: a machine as a whole can use up this host`, fix };
}

async function checkDesktop(): Promise<Check> {
  const missing = await findMissingDesktopPrograms();
  if (missing.length === 0) {
    return { name: 'desktop', state: 'ok', found: Object.keys(desktopPrograms).join(', ') };
  }
  const fix =
    process.platform === 'linux'
      ? installCommand(missing.map((name) => desktopPrograms[name] ?? name))
      : 'The desktop needs Linux; sign-in pages open in your own browser.';
  return { name: 'desktop', state: 'missing', found: `without ${missing.join(', ')}`, fix };
}

async function checkNpm(): Promise<Check> {
  const npm = await findNpm();
  const fix = process.platform === 'linux' ? installCommand(['npm']) : 'Install Node with npm from nodejs.org';
  if (npm === undefined) {
    return { name: 'npm', state: 'missing', found: 'no npm in PATH or beside Node: CLIs cannot be installed', fix };
  }
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const { stdout, failed } = await execa(npm, ['--version'], {
    reject: false,
    env: { PATH: path },
    extendEnv: false,
    cwd: tmpdir(),
    timeout: NPM_MS,
  });
  return failed
    ? { name: 'npm', state: 'missing', found: `${npm} does not run: CLIs cannot be installed`, fix }
    : { name: 'npm', state: 'ok', found: `version ${stdout.trim()} (${npm})` };
}

const NPM_MS = 20_000;

/** Checks bubblewrap for npm. Without it, npm still runs no scripts and installs only what a lockfile pins by hash. */
export function checkNpmSandbox({ bubblewrap, reason }: ProbedSandbox): Check {
  const name = 'bubblewrap for npm';
  if (bubblewrap !== undefined)
    return { name, state: 'ok', found: 'npm sees no files of this host but its own, and reaches its registries alone' };
  const fix =
    process.platform !== 'linux'
      ? 'Bubblewrap needs Linux; elsewhere configure only providers whose authors you trust.'
      : reason === 'it is not installed'
        ? installCommand(['bubblewrap'])
        : 'Allow unprivileged user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0';
  return {
    name,
    state: 'degraded',
    found: `${reason}: the npm that installs CLIs can read the files of this host and reach its network`,
    fix,
  };
}

async function checkDisk(dataDirectory: string): Promise<Check> {
  const { bavail, bsize } = await statfs(dataDirectory);
  const free = bavail * bsize;
  const found = `${(free / 1024 ** 3).toFixed(1)} GiB free in ${dataDirectory}`;
  return free >= NEEDED_BYTES
    ? { name: 'disk', state: 'ok', found }
    : {
        name: 'disk',
        state: 'degraded',
        found,
        fix: `Free some space, or set SALLYPORT_DATA_DIR to a larger disk (${NEEDED_BYTES / 1024 ** 3} GiB)`,
      };
}
