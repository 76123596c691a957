import { realpath } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import { execa } from 'execa';

import { findProgram, installCommand } from '../host/programs.ts';
import { outerEnvironment, sandboxCommand, systemCallFilter } from './bubblewrap.ts';
import { inside } from './layout.ts';
import { canReveal } from './reveal.ts';

/** How this host isolates machines. Probed once. */
export interface Isolation {
  /** Path of a working bubblewrap; `undefined` if machines are plain processes. */
  readonly bubblewrap: string | undefined;
  /** Short reason why bubblewrap is not used. */
  readonly reason?: string;
  /** The server is root and gives each machine its own user. */
  readonly dropsUser: boolean;
  /** Machines without bubblewrap can use paths below directories that only root may enter. */
  readonly canReveal: boolean;
  /** A browser's sandbox works inside a machine. */
  readonly nestedNamespaces: boolean;
  /** Each CLI in a machine sees only its provider's home. */
  readonly sandboxesClis: boolean;
  /** Machines cannot use kernel interfaces that namespaces do not isolate, such as the server's kernel keyring. */
  readonly filtersSystemCalls: boolean;
  readonly sentence: string;
}

export type IsolationChoice = 'auto' | 'bubblewrap' | 'none';

export async function chooseIsolation(choice: IsolationChoice): Promise<Isolation> {
  const isRoot = process.geteuid?.() === 0;
  const found = choice === 'none' ? { reason: 'it is switched off' } : await probeBubblewrap(isRoot);
  if (found.bubblewrap !== undefined) {
    return {
      bubblewrap: found.bubblewrap,
      dropsUser: isRoot,
      canReveal: false,
      nestedNamespaces: found.nested === true,
      sandboxesClis: found.sandboxes === true,
      filtersSystemCalls: systemCallFilter !== undefined,
      sentence: `Machines are processes in bubblewrap${isRoot ? ', each as its own user' : ''}: own files and network, the host's kernel.${found.sandboxes === true ? '' : ` ${HOMES_OPEN}`} For development only.`,
    };
  }
  const reason = found.reason ?? 'it does not work here';
  if (choice === 'bubblewrap') {
    throw new SallyportError('CONFIG_HOST_UNSUITABLE', `Bubblewrap was asked for, but ${reason}.`);
  }
  const as = isRoot ? 'each as its own user' : "as the server's own user";
  return {
    bubblewrap: undefined,
    reason,
    dropsUser: isRoot,
    canReveal: await canReveal(),
    nestedNamespaces: await probePlainNamespaces(isRoot),
    sandboxesClis: false,
    filtersSystemCalls: false,
    sentence: `Machines are plain processes ${as}, without bubblewrap (${reason}): they see the host's files and network. ${HOMES_OPEN} For development only.`,
  };
}

/** Shown if CLIs are not sandboxed from each other. */
const HOMES_OPEN = "A user's CLIs can read each other's logins.";

interface BubblewrapProbe {
  readonly bubblewrap?: string;
  readonly nested?: boolean;
  readonly sandboxes?: boolean;
  readonly reason?: string;
}

/** The bubblewrap options that the agent uses for each CLI and that a host may refuse. */
const ENCLOSE = [
  '--unshare-user',
  '--unshare-pid',
  '--unshare-ipc',
  '--bind',
  '/',
  '/',
  '--proc',
  '/proc',
  '--dev',
  '/dev',
];

/** Arbitrary UID for probes; no machine gets it. */
const PROBE_UID = 199_999;
const PROBE_TIMEOUT_MS = 10_000;

async function probeBubblewrap(isRoot: boolean): Promise<BubblewrapProbe> {
  const bubblewrap = process.platform === 'linux' ? await findProgram('bwrap') : undefined;
  if (bubblewrap === undefined) {
    return { reason: process.platform === 'linux' ? 'it is not installed' : 'it exists on Linux only' };
  }
  const run = async (argv: readonly string[]): Promise<string | undefined> => {
    const [file, ...args] = await sandboxCommand({
      bubblewrap,
      binds: [{ source: await realpath(bubblewrap), target: inside.bubblewrap, writable: false }],
      environment: {},
      argv,
      uid: isRoot ? PROBE_UID : undefined,
    });
    const result = await execa(file, args, {
      ...probeOptions,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', systemCallFilter ?? 'ignore'],
    });
    return result.failed ? result.stderr.trim().split('\n').at(-1) || result.shortMessage : undefined;
  };
  const nested = ['/usr/bin/unshare', '--user', '--net', '/usr/bin/true'];
  const enclosed = [inside.bubblewrap, ...ENCLOSE, '--', '/usr/bin/true'];
  // One probe covers the usual case: if the nested sandbox works, the outer one works too.
  if ((await run([...enclosed.slice(0, -1), ...nested])) === undefined) {
    return { bubblewrap, nested: true, sandboxes: true };
  }
  const problem = await run(['/usr/bin/true']);
  if (problem !== undefined) {
    return { reason: `it does not work here: ${problem}` };
  }
  return {
    bubblewrap,
    nested: (await run(nested)) === undefined,
    sandboxes: (await run(enclosed)) === undefined,
  };
}

async function probePlainNamespaces(isRoot: boolean): Promise<boolean> {
  if (process.platform !== 'linux') {
    return false;
  }
  const dropped = isRoot ? { uid: PROBE_UID, gid: PROBE_UID } : {};
  const result = await execa('unshare', ['--user', '--net', 'true'], { ...probeOptions, ...dropped, stdio: 'ignore' });
  return !result.failed;
}

const probeOptions = {
  reject: false,
  cwd: '/',
  env: outerEnvironment,
  extendEnv: false,
  timeout: PROBE_TIMEOUT_MS,
} as const;

/** Returns how to fix a host that cannot isolate machines; `undefined` if nothing is wrong. */
export function isolationFix(isolation: Isolation): string | undefined {
  if (isolation.bubblewrap !== undefined || process.platform !== 'linux') {
    return undefined;
  }
  return isolation.reason === 'it is not installed'
    ? installCommand(['bubblewrap'])
    : 'Allow unprivileged user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0';
}
