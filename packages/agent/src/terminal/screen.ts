import { scheduler } from 'node:timers/promises';

import headless from '@xterm/headless';
import type { Terminal } from '@xterm/headless';
import { SallyportError } from '@sallyport/core';
import { screenExcerpt } from '@sallyport/core/engine';
import type { ScreenView } from '@sallyport/core/engine';

import { takeCheckpoint } from './checkpoint.ts';
import { answerQueries, collectCopies, collectLinks, limitRepetition } from './sequences.ts';
import { incompleteTail } from './utf8.ts';

/**
 * What a user would see on the CLI's terminal. Decisions are made on this, never on the byte stream, so that
 * colours, cursor movements and chunk boundaries cannot hide or forge text.
 */
export interface Screen {
  /** Resolves when the bytes are on the screen. Rejects with LOGIN_FAILED once the limit is exceeded. */
  write(bytes: Uint8Array): Promise<void>;
  view(): ScreenView;
  /** Answers to terminal queries; they belong on the CLI's input. */
  onReply(listener: (text: string) => void): void;
  /** The last lines for an error message, without control and bidirectional characters. */
  snapshotText(lines?: number): string;
  /**
   * Remembers the terminal as it is; the returned function puts it back, as often as wanted. For replay tests:
   * build the state before a window once, then rewind for every split inside it. Call both only between writes.
   */
  checkpoint(): () => void;
  dispose(): void;
}

export interface ScreenOptions {
  readonly columns: number;
  readonly rows: number;
  /** Lines kept above the visible ones. Default: as many as fit in 12 MB, at most 2,000 lines with the visible ones. */
  readonly scrollback?: number;
  /** Bytes after which {@link Screen.write} refuses. Default 10 MiB; the chattiest recorded login has 0.6 MB. */
  readonly maxBytes?: number;
}

/** Lines a {@link ScreenView} holds at most. */
const MOST_LINES = 2000;
/** Cells the emulator may keep, at 12 bytes each. */
const MOST_CELLS = 1_000_000;
const MAX_BYTES = 10 * 1024 * 1024;
/** Parsed without a pause; small, because a few bytes can make the emulator clear every line. */
const SLICE = 4096;
const LONGEST_PAUSELESS_MS = 12;

export function createScreen(options: ScreenOptions): Screen {
  const { columns, rows, maxBytes = MAX_BYTES } = options;
  const terminal = new headless.Terminal({
    cols: columns,
    rows,
    scrollback: options.scrollback ?? defaultScrollback(columns, rows),
    allowProposedApi: true,
    logLevel: 'off',
  });
  const memory = { received: 0, links: new Set<string>(), copies: new Set<string>(), unfinished: new Uint8Array() };
  const listeners: ((text: string) => void)[] = [];
  const reply = (text: string): void => {
    // The nudge in `parse` arrives here as an empty answer.
    if (text !== '') for (const listener of listeners) listener(text);
  };
  terminal.onData(reply);
  answerQueries(terminal, reply);
  collectLinks(terminal, memory.links);
  collectCopies(terminal, memory.copies);
  limitRepetition(terminal);

  let view: ScreenView | undefined;
  let tail = Promise.resolve();
  const feed = async (arrived: Uint8Array): Promise<void> => {
    const bytes = memory.unfinished.length > 0 ? joined(memory.unfinished, arrived) : arrived;
    const end = bytes.length - incompleteTail(bytes);
    memory.unfinished = bytes.slice(end);
    let resumed = performance.now();
    for (let start = 0; start < end;) {
      if (performance.now() - resumed > LONGEST_PAUSELESS_MS) {
        await scheduler.yield();
        resumed = performance.now();
      }
      const slice = bytes.subarray(start, Math.min(start + SLICE, end));
      const whole = slice.subarray(0, slice.length - incompleteTail(slice));
      await parse(terminal, whole);
      start += whole.length;
      view = undefined;
    }
  };
  const currentView = (): ScreenView =>
    (view ??= {
      lines: logicalLines(terminal),
      links: [...memory.links],
      ...(memory.copies.size > 0 && { clipboard: [...memory.copies] }),
    });

  return {
    write: (bytes) => {
      memory.received += bytes.length;
      if (memory.received > maxBytes) return Promise.reject(tooMuch(maxBytes));
      tail = tail.then(() => feed(bytes));
      return tail;
    },
    view: currentView,
    onReply: (listener) => void listeners.push(listener),
    snapshotText: (lines) => screenExcerpt(currentView(), lines),
    checkpoint: () => {
      const rewind = takeCheckpoint([terminal, memory]);
      return () => {
        rewind();
        view = undefined;
      };
    },
    dispose: () => terminal.dispose(),
  };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

function defaultScrollback(columns: number, rows: number): number {
  return Math.max(0, Math.min(MOST_LINES, Math.floor(MOST_CELLS / columns)) - rows);
}

/**
 * xterm puts a write off to a timer unless it follows user input, which it parses at once to keep echo fast.
 * The empty input asks for that: a login is thousands of small writes, each of which would wait a millisecond.
 */
function parse(terminal: Terminal, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    terminal.input('', true);
    terminal.write(bytes, resolve);
  });
}

/** Joins the rows that the terminal wrapped, and leaves out the empty rows below the last text. */
function logicalLines(terminal: Terminal): readonly string[] {
  const buffer = terminal.buffer.active;
  const lines: string[] = [];
  let open = '';
  for (let row = Math.max(0, buffer.length - MOST_LINES); row < buffer.length; row++) {
    const line = buffer.getLine(row);
    const next = buffer.getLine(row + 1);
    if (!line) continue;
    if (next?.isWrapped) {
      // A wide character that did not fit leaves the last cell empty.
      const end = next.getCell(0)?.getWidth() === 2 && line.getCell(line.length - 1)?.getChars() === '' ? 1 : 0;
      open += line.translateToString(false, 0, line.length - end);
    } else {
      lines.push(open + line.translateToString(true));
      open = '';
    }
  }
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

function tooMuch(maxBytes: number): SallyportError {
  return new SallyportError(
    'LOGIN_FAILED',
    `The CLI wrote more than ${maxBytes} bytes to its terminal during the login, which no working login does.`,
  );
}
