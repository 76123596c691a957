import { execa } from 'execa';

import { SallyportError } from '@sallyport/core';

import { programPath } from '../host/programs.ts';

export interface ToolRun {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly signal: AbortSignal;
  /** Called with each line it prints. */
  readonly onLine?: (line: string) => void;
}

const LAST_LINES = 15;

/** How packages are reached where a company has a proxy. */
const PASSED_ON = /^(https?_proxy|no_proxy|TMPDIR)$/i;

/** Runs a program that builds a part of an image. One that fails is reported with its last words. */
export async function runTool({ file, args, cwd, signal, onLine }: ToolRun): Promise<readonly string[]> {
  const child = execa(file, args, {
    ...(cwd !== undefined && { cwd }),
    env: environment(),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    cancelSignal: signal,
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines: string[] = [];
  for await (const line of child.iterable({ from: 'all' })) {
    lines.push(line);
    onLine?.(line);
  }
  const result = await child;
  signal.throwIfAborted();
  if (result.failed) {
    const last = lines.slice(-LAST_LINES).join('\n');
    throw new SallyportError('MACHINE_IMAGE_FAILED', `${file} failed: ${result.shortMessage}`, {
      hint: last === '' ? 'It printed nothing.' : last,
      details: { output: last },
    });
  }
  return lines;
}

function environment(): Readonly<Record<string, string>> {
  const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  return {
    ...Object.fromEntries(passedOn.map(([name, value]) => [name, value ?? ''])),
    PATH: programPath,
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
  };
}
