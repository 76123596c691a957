import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SallyportError } from '@sallyport/core';
import { z } from 'zod';

/** A recorded login: what a real CLI wrote to its terminal, and what was typed. */
export interface Transcript {
  /** File name without extension. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly columns: number;
  readonly rows: number;
  /** How the CLI ended; `null` where it was still running when the recording stopped. */
  readonly exit: number | null;
  /** Places where the CLI stopped writing, in order: nothing of what follows can have arrived with what precedes. */
  readonly pauses: readonly TranscriptPause[];
}

export interface TranscriptPause {
  /** Bytes the CLI had written by then. */
  readonly offset: number;
  /** How long it was silent. */
  readonly silentMs: number;
  /** Present where it went on only because this was typed. */
  readonly until?: string;
}

/** Reads `<path>.bin`, the bytes, and `<path>.json`, the size of the terminal, what was sent and when. */
export function loadTranscript(path: string | URL): Transcript {
  const base = (path instanceof URL ? fileURLToPath(path) : path).replace(/\.(bin|json)$/, '');
  const bytes = new Uint8Array(readFileSync(`${base}.bin`));
  const facts = recordingSchema.safeParse(JSON.parse(readFileSync(`${base}.json`, 'utf8')));
  if (!facts.success) {
    throw new SallyportError('CONFIG_INVALID', `${base}.json does not describe a recording.`, { cause: facts.error });
  }
  const { columns, rows, exit } = facts.data;
  return { name: basename(base), bytes, columns, rows, exit, pauses: pausesOf(facts.data) };
}

/** The transcript with text put in at `offset`, after which the CLI waits for `until`. */
export function insertPrompt(transcript: Transcript, offset: number, text: string, until: string): Transcript {
  const inserted = new TextEncoder().encode(text);
  const { bytes } = transcript;
  const moved = transcript.pauses.map((pause) =>
    pause.offset < offset ? pause : { ...pause, offset: pause.offset + inserted.length },
  );
  const added = { offset: offset + inserted.length, silentMs: LONG_SILENCE_MS, until };
  return {
    ...transcript,
    name: `${transcript.name}-with-prompt`,
    bytes: Uint8Array.from([...bytes.subarray(0, offset), ...inserted, ...bytes.subarray(offset)]),
    pauses: [...moved, added].toSorted((a, b) => a.offset - b.offset),
  };
}

/** The transcript with a silence before `text`, as when a user takes their time. */
export function pauseBefore(transcript: Transcript, text: string, silentMs: number): Transcript {
  const offset = offsetOf(transcript, text);
  const pauses = [...transcript.pauses, { offset, silentMs }].toSorted((a, b) => a.offset - b.offset);
  return { ...transcript, name: `${transcript.name}-slow`, pauses };
}

/** The transcript after something that stood on the screen for a while and was then erased. */
export function showFirst(transcript: Transcript, text: string, silentMs: number): Transcript {
  const shown = new TextEncoder().encode(text);
  const erase = new TextEncoder().encode('\u001b[H\u001b[2J\u001b[3J');
  const length = shown.length + erase.length;
  return {
    ...transcript,
    bytes: Uint8Array.from([...shown, ...erase, ...transcript.bytes]),
    pauses: [
      { offset: shown.length, silentMs },
      ...transcript.pauses.map((pause) => ({ ...pause, offset: pause.offset + length })),
    ],
  };
}

/** Where `text` begins in the recorded bytes. */
export function offsetOf(transcript: Transcript, text: string): number {
  const offset = Buffer.from(transcript.bytes).indexOf(text);
  if (offset >= 0) return offset;
  throw new SallyportError('CONFIG_INVALID', `The recording ${transcript.name} does not contain '${text}'.`);
}

/** Silence that means the CLI waits for something: a user, a browser, a key. */
const LONG_SILENCE_MS = 1000;

const recordingSchema = z.object({
  columns: z.number().int().positive(),
  rows: z.number().int().positive(),
  exit: z.number().int().nullable(),
  /** Seconds since the start, and the keys as a Python bytes literal. */
  sent: z.array(z.tuple([z.number(), z.string()])),
  /** Seconds since the start, and the length of what arrived. */
  chunks_t_len: z.array(z.tuple([z.number(), z.number()])),
});

type Recording = z.infer<typeof recordingSchema>;

function pausesOf({ chunks_t_len: chunks, sent }: Recording): readonly TranscriptPause[] {
  const pauses: TranscriptPause[] = [];
  let [offset, previous] = [0, 0];
  for (const [time, length] of chunks) {
    const keys = sent.filter(([typed]) => typed > previous && typed <= time).map(([, literal]) => unquote(literal));
    const silentMs = Math.round((time - previous) * 1000);
    if (keys.length > 0) pauses.push({ offset, silentMs, until: keys.join('') });
    else if (offset > 0 && silentMs >= LONG_SILENCE_MS) pauses.push({ offset, silentMs });
    offset += length;
    previous = time;
  }
  return pauses;
}

/** Python's `b'\r'` as the text it stands for. */
function unquote(literal: string): string {
  const inner = /^b?(['"])(.*)\1$/s.exec(literal)?.[2] ?? literal;
  const names: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t' };
  return inner.replace(/\\(?:x([0-9a-f]{2})|(.))/gs, (_, hex: string | undefined, letter: string | undefined) =>
    hex === undefined ? (names[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
