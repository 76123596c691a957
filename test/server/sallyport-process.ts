import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';

export const root = resolve(import.meta.dirname, '../..');

/** A program of ours with its own data directory. */
export interface OwnProcess {
  readonly child: ChildProcess;
  /** Its standard output and error so far. */
  readonly output: () => { readonly stdout: string; readonly stderr: string };
  /** Resolves when its output holds the text; rejects with the output when it ends before. */
  saying(text: string | RegExp): Promise<string>;
  /** The same for its standard error. */
  logging(text: string | RegExp): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** Runs a command with an environment that holds what is named here and nothing of ours but the path to programs and what Node compiled. */
export function runOwn(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): OwnProcess {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env;
  const child = spawn(command, args, {
    cwd: root,
    env: {
      PATH,
      HOME: environment['SALLYPORT_DATA_DIR'] ?? tmpdir(),
      ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const until = async (stream: Readable, output: () => string, text: string | RegExp): Promise<string> => {
    for (;;) {
      const found = typeof text === 'string' ? (output().includes(text) ? text : undefined) : text.exec(output())?.[0];
      if (found !== undefined) return found;
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`It ended: ${stdout}${stderr}`);
      await Promise.race([once(stream, 'data'), ended]);
    }
  };
  return {
    child,
    output: () => ({ stdout, stderr }),
    ended,
    saying: (text) => until(child.stdout, () => stdout, text),
    logging: (text) => until(child.stderr, () => stderr, text),
  };
}

/** What to run for the `sallyport` command, from source. */
export const sallyportCommand: readonly [string, ...string[]] = [
  process.execPath,
  '--conditions=@sallyport/source',
  join(root, 'packages/server/src/main.ts'),
];

export function runSallyport(args: readonly string[], environment: Readonly<Record<string, string>>): OwnProcess {
  const [node, ...main] = sallyportCommand;
  return runOwn(node, [...main, ...args], environment);
}

/** A directory in which a test's server keeps everything. */
export async function makeDataDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sallyport-run-'));
}

/** Processes other than our own that work for a data directory: their command line, environment or directory names it. */
export function processesOf(directory: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const words = ['cmdline', 'environ'].map((file) => read(`/proc/${pid}/${file}`)).join(' ');
      return words.includes(directory) ? [`${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`] : [];
    });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address ? address.port : 0;
}

export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It ended in between, or belongs to another user.
    return '';
  }
}
