import type { Clock } from '@sallyport/core';

import { endProcessGroup } from '../process-group.ts';
import { spawnPty } from '../terminal/pty.ts';
import type { PtyCommand } from '../terminal/pty.ts';
import { createTerminalInput, withoutSplitReplies } from './terminal-replies.ts';

/** What a CLI wrote to its terminal, and what was done to it, as it was. Holds secrets. */
export interface Recording {
  readonly bytes: Uint8Array;
  /** Seconds since the start, and how many bytes came. */
  readonly chunks: readonly (readonly [seconds: number, length: number])[];
  /** Seconds since the start, and the keys. What the terminal answers by itself is not among them. */
  readonly sent: readonly (readonly [seconds: number, keys: string])[];
  /** `null` where it still ran when the recording was ended, or a signal ended it. */
  readonly exit: number | null;
}

export interface RecordOptions {
  readonly command: PtyCommand;
  /** What is typed. */
  readonly keys: AsyncIterable<Uint8Array>;
  /** Everything that the CLI writes, at once. */
  readonly show: (bytes: Uint8Array) => void;
  readonly clock: Clock;
  /** Ends the recording, and the CLI with it. */
  readonly signal: AbortSignal;
}

const GRACE_MS = 1500;

/** Runs a program in a terminal until it ends, and writes down what passes between the two. */
export async function recordTerminal({ command, keys, show, clock, signal }: RecordOptions): Promise<Recording> {
  const started = clock.monotonic();
  const seconds = (): number => Math.round(clock.monotonic() - started) / 1000;
  const pieces: Uint8Array[] = [];
  const chunks: [number, number][] = [];
  const sent: [number, string][] = [];
  const pty = spawnPty(command);
  pty.onData((bytes) => {
    pieces.push(bytes);
    chunks.push([seconds(), bytes.length]);
    show(bytes);
  });
  const exited = new Promise<number | null>((resolve) => {
    pty.onExit(({ code }) => resolve(signal.aborted ? null : code));
  });
  const stop = (): void => void endProcessGroup(pty.pid, GRACE_MS, clock);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });

  const { keysIn } = createTerminalInput();
  const decoder = new TextDecoder();
  const type = async (): Promise<void> => {
    for await (const bytes of keys) {
      const text = decoder.decode(bytes, { stream: true });
      // The CLI gets the terminal's own answers too: it asked for them.
      const pressed = keysIn(text);
      if (pressed !== '') sent.push([seconds(), pressed]);
      pty.write(text);
    }
  };
  // Ends with the input, or with this process.
  void type().catch(() => {});
  const exit = await exited;
  signal.removeEventListener('abort', stop);
  return { bytes: Buffer.concat(pieces), chunks, sent: withoutSplitReplies(sent), exit };
}
