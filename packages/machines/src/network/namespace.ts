import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import { execa } from 'execa';

import { installCommand, programPath } from '../host/programs.ts';

/** A network namespace by name, and the programs that work on it. Each call is one step; a killed server ends between two. */
export interface Namespace {
  readonly name: string;
  /** Names it to programs that enter it by themselves. */
  readonly file: string;
  /** Words before a command that put it into the namespace. */
  readonly enter: readonly string[];
  /** Makes it where it is absent. */
  ensure(): Promise<void>;
  remove(): Promise<void>;
  ip(...words: readonly string[]): Promise<string>;
  bridge(...words: readonly string[]): Promise<string>;
  nft(script: string): Promise<string>;
  /** `nft -j …`. */
  listNft(...words: readonly string[]): Promise<NftListing>;
  /** Sets of `/proc/sys/net/` what this kernel has. */
  set(values: Readonly<Record<string, string>>): Promise<void>;
  /** Processes in it. */
  processes(): Promise<readonly number[]>;
}

/** The part of `nft -j` that is read here: the elements of a set, each `[TAP, MAC, address]`. */
export interface NftListing {
  readonly nftables: readonly {
    readonly set?: { readonly elem?: readonly { readonly concat: readonly string[] }[] };
  }[];
}

/** Runs one program and returns what it prints; throws what it says when it fails. */
export type RunCommand = (argv: readonly string[], input?: string) => Promise<string>;

/** Two deployments on one host, and tests, never meet: the name comes from the directory that is one deployment's alone. */
export function namespaceName(dataDirectory: string, name: string): string {
  return `sallyport-${createHash('sha256').update(`${dataDirectory}\0${name}`).digest('hex').slice(0, 12)}`;
}

export function createNamespace(name: string, run: RunCommand): Namespace {
  const file = `/run/netns/${name}`;
  const enter = ['nsenter', `--net=${file}`, '--'];
  return {
    name,
    file,
    enter,
    ensure: async () => {
      if (await works(enter, run)) return;
      // What is left of one that was being made when the server was killed: a file without a namespace.
      await run(['ip', 'netns', 'delete', name]).catch(() => {});
      await run(['ip', 'netns', 'add', name]);
    },
    remove: async () => {
      const names = (await run(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0]);
      if (names.includes(name)) await run(['ip', 'netns', 'delete', name]);
    },
    ip: (...words) => run(['ip', '-n', name, ...words]),
    bridge: (...words) => run(['bridge', '-n', name, ...words]),
    nft: (script) => run([...enter, 'nft', '-f', '-'], script),
    listNft: async (...words) => JSON.parse(await run([...enter, 'nft', '-j', ...words])),
    set: async (values) => {
      const lines = Object.entries(values).map(
        ([key, value]) => `f=/proc/sys/net/${key}; [ ! -e $f ] || echo ${value} > $f`,
      );
      await run([...enter, 'sh', '-ec', lines.join('\n')]);
    },
    processes: async () => (await run(['ip', 'netns', 'pids', name])).split('\n').filter(Boolean).map(Number),
  };
}

/** The process in the namespace that has this word in its command line. */
export async function findProcesses(namespace: Namespace, word: string): Promise<readonly number[]> {
  const lines = (await namespace.processes()).map(async (pid) => {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return line.split('\0').includes(word) ? [pid] : [];
  });
  return (await Promise.all(lines)).flat();
}

const TIMEOUT_MS = 20_000;

export const runCommand: RunCommand = async ([file = '', ...words], input) => {
  const result = await execa(file, words, {
    env: { PATH: programPath, LC_ALL: 'C.UTF-8' },
    extendEnv: false,
    cwd: '/',
    reject: false,
    timeout: TIMEOUT_MS,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });
  if (result.failed) {
    const problem = result.stderr.trim().split('\n').slice(0, 3).join(' ') || result.shortMessage;
    throw new SallyportError('MACHINE_FAILED', `The machines' network: ${[file, ...words].join(' ')}: ${problem}`, {
      ...(result.code === 'ENOENT' && { hint: `Run: ${installCommand(['iproute2', 'nftables'])}` }),
      cause: result.cause,
    });
  }
  return result.stdout;
};

async function works(enter: readonly string[], run: RunCommand): Promise<boolean> {
  return run([...enter, 'true']).then(
    () => true,
    () => false,
  );
}
