import { spawn } from 'node:child_process';

import { programPath } from '../host/programs.ts';

export interface BoundedRun {
  readonly command: readonly string[];
  readonly input?: string;
  /** Descriptors of this process that the program gets as 3, 4 and so on. execa passes none of these on. */
  readonly files?: readonly number[];
  readonly timeoutMs: number;
  readonly maxOutput: number;
}

export interface BoundedOutcome {
  /** `null` where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Why it was ended before it was through. */
  readonly cutOff?: 'time' | 'output';
}

/** Runs a program to its end, or to the limit of its time or output. */
export function runBounded(run: BoundedRun): Promise<BoundedOutcome> {
  const [file = '', ...args] = run.command;
  const child = spawn(file, args, {
    cwd: '/',
    env: { PATH: programPath, LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe', ...(run.files ?? [])],
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  let length = 0;
  let cutOff: BoundedOutcome['cutOff'];
  const end = (why: 'time' | 'output'): void => {
    cutOff ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end('time'), run.timeoutMs);
  const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
    length += chunk.length;
    if (length > run.maxOutput) end('output');
    else chunks.push(chunk);
  };
  child.stdout?.on('data', keep(out));
  child.stderr?.on('data', keep(errors));
  // It may end before it has read everything.
  child.stdin?.on('error', () => {});
  child.stdin?.end(run.input ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(errors).toString('latin1');
      resolve({ exitCode, signal, stdout: Buffer.concat(out), stderr, ...(cutOff && { cutOff }) });
    });
  });
}
