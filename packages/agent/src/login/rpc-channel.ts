import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import { createLineSplitter } from '../lines/line-splitter.ts';
import type { Line } from '../lines/line-splitter.ts';
import type { CliChannel, CliCommandLine, CliListener } from './cli-channel.ts';

/** Longer than any message of a login; the beginning of a longer one is not a message, and says nothing. */
const LONGEST_LINE = 256 * 1024;
const MOST_BYTES = 16 * 1024 * 1024;
/** How long the output may stay open behind a CLI that has ended: something it started still holds it. */
const LINGER_MS = 500;

/** Runs the CLI on pipes, and hands the engine its lines. */
export function openRpcChannel(command: CliCommandLine, clock: Clock, listener: CliListener): CliChannel {
  const { file, argv, env, cwd } = command;
  // In a new group, so that ending it ends what the CLI has started too.
  const child = spawn(file, argv, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let bytes = 0;

  const pump = async (source: Readable, report: (line: Line) => void): Promise<void> => {
    const splitter = createLineSplitter(LONGEST_LINE);
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        if (listener.over.aborted) return;
        bytes += chunk.length;
        if (bytes > MOST_BYTES) throw tooMuch();
        splitter.push(chunk).forEach(report);
      }
      splitter.end().forEach(report);
    } catch (error) {
      if (SallyportError.isInstance(error)) listener.fail(error);
    }
  };
  const pumped = Promise.all([
    pump(child.stdout, ({ text }) => listener.observe({ type: 'rpc', line: text })),
    pump(child.stderr, ({ text }) => listener.observe({ type: 'stderr', line: text })),
  ]);
  child.once('error', (cause) => {
    if (child.pid !== undefined) return;
    listener.fail(new SallyportError('LOGIN_CLI_CRASHED', `The CLI could not be started: ${cause.message}`, { cause }));
  });
  child.once('exit', (code, signal) => {
    const drained = new AbortController();
    void pumped.finally(() => drained.abort());
    const read = Promise.race([pumped, clock.sleep(LINGER_MS, drained.signal).catch(() => undefined)]);
    void read.then(() => listener.observe({ type: 'exit', code, signal }));
  });
  // It may have ended before it has read everything; its exit says more than EPIPE.
  child.stdin.on('error', () => {});
  return {
    pid: child.pid,
    write: (text) => void child.stdin.write(text),
    settled: async () => {
      child.stdout.destroy();
      child.stderr.destroy();
      await pumped;
    },
    dispose: () => child.stdin.destroy(),
  };
}

function tooMuch(): SallyportError {
  return new SallyportError(
    'LOGIN_FAILED',
    `The CLI wrote more than ${MOST_BYTES} bytes during the login, which no working login does.`,
  );
}
