import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { createFakeInternetControl, openaiStateSchema } from '@sallyport/testkit/vendors';
import type { FakeInternetControl, OpenaiState } from '@sallyport/testkit/vendors';

import { canOthersReach } from '../../test/setup/reachable.ts';
import { cliCache } from './cache.ts';
import { HANG_LIMIT_MS } from './hang-limit.ts';

export const repository = resolve(import.meta.dirname, '..', '..');

export interface DemoServerOptions {
  /** Kept from a former server to restart on it. Default: a new one. */
  readonly dataDirectory?: string;
  /** Where the fake internet has its sockets. Default: where the demo puts them, in the data directory. */
  readonly internetDirectory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default the demo with Codex alone. */
  readonly config?: string;
}

/** The real server as its own process, on the demo's fake internet. */
export interface DemoServer {
  readonly origin: string;
  readonly dataDirectory: string;
  readonly process: ChildProcess;
  /** Everything it printed so far. */
  output(): string;
  readonly internet: FakeInternetControl;
  openai(): Promise<OpenaiState>;
  /** Ends it, and resolves when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export async function startDemoServer(options: DemoServerOptions = {}): Promise<DemoServer> {
  const dataDirectory = options.dataDirectory ?? (await makeDataDirectory());
  const child = spawn(
    process.execPath,
    ['packages/server/dist/main.js', '--config', options.config ?? 'e2e/configs/codex.config.ts'],
    {
      cwd: repository,
      env: {
        // The operator's own environment, as in real life: npm needs some of it, and the CLIs must see none of it.
        ...process.env,
        LOG_LEVEL: 'debug',
        SALLYPORT_DATA_DIR: dataDirectory,
        PORT: '0',
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = new Promise<{ code: number | null; signal: string | null }>((done) =>
    child.once('exit', (code, signal) => done({ code, signal })),
  );

  const origin = await poll('the server to listen', async () => {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}:\n${output}`);
    return /sallyport listening on (http:\/\/\S+)/.exec(output)?.[1];
  });
  const { internetDirectory = join(dataDirectory, 'internet') } = options;
  const internet = createFakeInternetControl(join(await realpath(internetDirectory), 'control.sock'));
  return {
    origin,
    dataDirectory,
    process: child,
    output: () => output,
    internet,
    openai: async () => openaiStateSchema.parse((await internet.state())['openai']),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

/** The CLIs are the same for every run, and large: they are installed once for all. */
export async function makeDataDirectory(parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(join(parent, 'sp-e2e-'));
  await mkdir(cliCache, { recursive: true });
  await placeClis(join(directory, 'clis'));
  return directory;
}

/** A link to the cache. In a clone below a directory that only root may enter, such as `/root`, machines of other users need files elsewhere. */
async function placeClis(path: string): Promise<void> {
  if (process.geteuid?.() !== 0 || canOthersReach(realpathSync(cliCache))) return symlink(cliCache, path);
  // As second names of the same files, unless the cache is on another file system.
  await execute('cp', ['-al', realpathSync(cliCache), path]).catch(() =>
    execute('cp', ['-a', realpathSync(cliCache), path]),
  );
}

const execute = promisify(execFile);

export async function removeDataDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Asks again until there is an answer. After the hang limit it fails and names what it waited for. */
export async function poll<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  // The runner's own limit is as long; this one ends first, since it can say what is missing.
  const limitMs = HANG_LIMIT_MS - 30_000;
  const until = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > until) throw new Error(`Waited ${limitMs / 1000} s for ${what}.`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
