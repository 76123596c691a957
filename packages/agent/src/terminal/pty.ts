// oxlint-disable-next-line typescript/triple-slash-reference -- an ambient declaration cannot be imported
/// <reference path="./node-pty.d.ts" />
import { constants } from 'node:os';

import { spawn } from 'node-pty';

/**
 * A program in a pseudo-terminal, reduced to what a login needs. Calls that come after the end are ignored:
 * a caller who writes or resizes cannot know that the program has just ended.
 */
export interface PtyBackend {
  readonly pid: number;
  write(text: string): void;
  resize(columns: number, rows: number): void;
  /** Raw bytes, in the pieces the kernel gave them. A character may be split over two. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Once, after the last byte. */
  onExit(listener: (exit: PtyExit) => void): void;
  /** Signals the program and everything it started that stayed in its process group. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): void;
}

export interface PtyExit {
  /** `null` where a signal ended the program. */
  readonly code: number | null;
  readonly signal: string | null;
}

export interface PtyCommand {
  readonly file: string;
  readonly argv: readonly string[];
  /** The whole environment. Nothing of this process's own is added, except PWD, which is `cwd`. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly columns: number;
  readonly rows: number;
}

/** Starts a program as the leader of a new session, on a new terminal. A file that cannot be run exits 1. */
export function spawnPty(command: PtyCommand): PtyBackend {
  const pty = spawn(command.file, [...command.argv], {
    name: command.env['TERM'] ?? 'xterm-256color',
    cols: command.columns,
    rows: command.rows,
    cwd: command.cwd,
    env: { ...command.env },
    encoding: null,
  });
  let over = false;
  pty.onExit(() => {
    over = true;
  });
  return {
    pid: pty.pid,
    write: (text) => {
      if (!over) pty.write(text);
    },
    resize: (columns, rows) => {
      if (!over) unlessClosed(() => pty.resize(columns, rows));
    },
    onData: (listener) => void pty.onData(listener),
    onExit: (listener) =>
      void pty.onExit(({ exitCode, signal }) =>
        listener(signal ? { code: null, signal: signalName(signal) } : { code: exitCode, signal: null }),
      ),
    kill: (signal = 'SIGKILL') => killGroup(pty.pid, signal),
  };
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}

/** The program may be gone before its exit has been reported: its terminal is closed (EBADF), or hung up (EIO). */
function unlessClosed(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Error) || !/EBADF|EIO|ENOTTY/.test(error.message)) throw error;
  }
}

/** forkpty(3) makes the child a session leader, so its process group bears its pid, even after its own end. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
