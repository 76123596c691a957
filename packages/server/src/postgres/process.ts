import { spawn, type ChildProcess } from 'node:child_process';

/** A started program, with the last lines it wrote. */
export interface WatchedProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended and everything it wrote has been read. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  lastLines(): string;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts a program with none of our environment, in a new session, so that Ctrl-C in our terminal does not reach it. */
export function startProcess([file, ...args]: readonly string[]): WatchedProcess {
  if (file === undefined) throw new TypeError('a command line has at least one word');
  const child = spawn(file, args, {
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  const keep = (text: string): void => {
    tail = (tail + text).slice(-KEPT_CHARACTERS);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('error', (error) => {
      keep(`${error.message}\n`);
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, ended, lastLines: () => tail.trim().split('\n').slice(-KEPT_LINES).join('\n') };
}

/** Runs a program to its end, or to the signal. */
export async function runProcess(
  command: readonly string[],
  signal?: AbortSignal,
): Promise<ProcessEnd & { output: string }> {
  signal?.throwIfAborted();
  const started = startProcess(command);
  const kill = (): void => void started.child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  const end = await started.ended;
  signal?.removeEventListener('abort', kill);
  signal?.throwIfAborted();
  return { ...end, output: started.lastLines() };
}

const KEPT_CHARACTERS = 16_384;
const KEPT_LINES = 20;
