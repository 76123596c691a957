import { SallyportError } from '@sallyport/core';

/** One dispatched event of a `text/event-stream` (HTML standard, §9.2.6). */
export interface ServerSentEvent {
  /** The last `id:` seen so far; empty before the first one. */
  readonly id: string;
  readonly data: string;
}

/** Largest event we take, in bytes: an offer of ten credential files of 256 KiB never comes as one event. */
const MAX_EVENT_BYTES = 2 * 1024 * 1024;

/**
 * Reads events from the bytes of an answer. The field `event:` and `retry:` are not used by the agent and
 * are skipped as the standard says for unknown fields. An event cut off by the end of the stream is dropped.
 */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
  maxEventBytes: number = MAX_EVENT_BYTES,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  const lines = createLineReader();
  let size = 0;
  let id = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    for (const line of lines.push(decoder.decode(chunk, { stream: true }))) {
      if (line === '') {
        if (data.length > 0) {
          yield { id, data: data.join('\n') };
        }
        data = [];
        size = 0;
        continue;
      }
      size += Buffer.byteLength(line) + 1;
      checkSize(size, maxEventBytes);
      const { field, value } = splitField(line);
      if (field === 'data') {
        data.push(value);
      } else if (field === 'id' && !value.includes('\0')) {
        id = value;
      }
    }
    checkSize(size + lines.openBytes(), maxEventBytes);
  }
}

function checkSize(size: number, maxEventBytes: number): void {
  if (size > maxEventBytes) {
    throw new SallyportError('AGENT_REFUSED', `The agent sent an event of more than ${maxEventBytes} bytes.`);
  }
}

interface LineReader {
  /** The lines that this text completes. */
  push(text: string): readonly string[];
  /** Bytes of the line that is not complete yet. */
  openBytes(): number;
}

/** Looks at each character once, however the text is cut: a machine chooses the size of its chunks. */
function createLineReader(): LineReader {
  let pieces: string[] = [];
  let bytes = 0;
  let afterReturn = false;
  return {
    push: (text) => {
      if (text === '') return [];
      // The second half of a CRLF whose first half ended a line.
      let start = afterReturn && text.startsWith('\n') ? 1 : 0;
      const lines: string[] = [];
      for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) {
        if (index < start) continue;
        pieces.push(text.slice(start, index));
        lines.push(pieces.join(''));
        pieces = [];
        bytes = 0;
        start = index + end.length;
      }
      if (start < text.length) {
        const rest = text.slice(start);
        pieces.push(rest);
        bytes += Buffer.byteLength(rest);
      }
      afterReturn = text.endsWith('\r');
      return lines;
    },
    openBytes: () => bytes,
  };
}

function splitField(line: string): { readonly field: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) {
    return { field: line, value: '' };
  }
  const value = line.slice(colon + 1);
  return { field: line.slice(0, colon), value: value.startsWith(' ') ? value.slice(1) : value };
}
