import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';

import { systemClock } from '@sallyport/core';

/** A long-running program of the desktop. */
export interface Child {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves, never rejects, to a sentence on how it ended. */
  readonly exited: Promise<string>;
  /** The pipe at file descriptor `3 + index` of the program, a socket pair. */
  pipe(index: number): Duplex;
  /** Ends it, kindly at first. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** How many extra pipes to open, from file descriptor 3. */
  readonly pipes?: number;
}

/** How much of what a program complained about is kept for an error message. */
const LAST_WORDS = 2_000;

/**
 * Starts a program in the agent's own process group: it ends with the group of the machine,
 * even when the agent was killed and could not.
 */
export function startChild(options: ChildOptions): Child {
  const extra = Array.from({ length: options.pipes ?? 0 }, () => 'pipe' as const);
  const child = spawn(options.command, options.args, {
    env: { ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'ignore', 'pipe', ...extra],
  });
  const exited = whenExited(child, options.name);
  return {
    name: options.name,
    pid: child.pid,
    exited,
    pipe: (index) => {
      const stream = child.stdio[3 + index];
      if (!(stream instanceof Duplex)) throw new TypeError(`${options.name} has no pipe ${index}`);
      return stream;
    },
    stop: async (graceMs) => {
      child.kill('SIGTERM');
      using patience = systemClock.deadline(graceMs, () => undefined);
      patience.signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
      await exited;
    },
  };
}

function whenExited(child: ChildProcess, name: string): Promise<string> {
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS);
  });
  // A pipe to a program that is gone breaks; its end is reported below.
  for (const stream of child.stdio) stream?.on('error', () => {});
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`${name} could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      const said = lastWords.trim();
      resolve(`${name} ended ${how}${said ? `. It last said: ${said}` : ''}`);
    });
  });
}
