import { StringDecoder } from 'node:string_decoder';

import { createControlSequenceFilter } from './control-sequences.ts';
import { createJsonReducer } from './json-reducer.ts';
import type { JsonReducer } from './json-reducer.ts';

/** Of a prompt's output, in characters. A longer one is cut, or shortened where it is a JSON object. */
export const LONGEST_LINE = 1024 * 1024;

/**
 * Cuts a stream of bytes into lines without terminal sequences. A return to the start of a line ends it too. Of a line
 * that is too long the beginning stays; of one that is a JSON object, an object with shorter texts.
 */
export interface LineSplitter {
  push(bytes: Uint8Array): readonly Line[];
  /** What is left when the stream ends without a line feed. */
  end(): readonly Line[];
}

export interface Line {
  readonly text: string;
  /** Characters that were left out. */
  readonly dropped: number;
}

export function createLineSplitter(longestLine: number): LineSplitter {
  const decoder = new StringDecoder('utf8');
  const withoutSequences = createControlSequenceFilter();
  let open = '';
  let length = 0;
  let reducer: JsonReducer | undefined;
  /** A line has just ended with a carriage return: the line feed that may follow is part of its end. */
  let returned = false;

  const grow = (text: string): void => {
    if (text === '') return;
    returned = false;
    const room = Math.max(0, longestLine - open.length);
    if (!reducer && text.length > room && /^\s*\{/.test(open === '' ? text.slice(0, 100) : open.slice(0, 100))) {
      reducer = createJsonReducer(longestLine);
      reducer.push(open);
    }
    open += text.slice(0, room);
    length += text.length;
    reducer?.push(text);
  };
  const finish = (): Line => {
    const text = reducer?.end() ?? open;
    const line = { text: withoutTail(text), dropped: Math.max(length - text.length, reducer ? 1 : 0) };
    open = '';
    length = 0;
    reducer = undefined;
    return line;
  };
  const endLine = (by: string): readonly Line[] => {
    const isReturn = by !== '\n';
    // Nothing to end: the cursor was at the start of the line already, or the return before has ended it.
    if (isReturn ? length === 0 : returned) {
      returned &&= isReturn;
      return [];
    }
    returned = isReturn;
    return [finish()];
  };
  const cut = (text: string): readonly Line[] => {
    const lines: Line[] = [];
    let from = 0;
    for (const { 0: by, index } of text.matchAll(/\r+|\n/g)) {
      grow(text.slice(from, index));
      lines.push(...endLine(by));
      from = index + by.length;
    }
    grow(text.slice(from));
    return lines;
  };
  return {
    push: (bytes) =>
      cut(withoutSequences(decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)))),
    end: () => {
      const lines = cut(withoutSequences(decoder.end()));
      return length === 0 ? lines : [...lines, finish()];
    },
  };
}

/** A sequence of eight bits stays in a line of JSON, where it may be data; behind the object it is none. */
function withoutTail(text: string): string {
  const end = text.lastIndexOf('}') + 1;
  return /[\u007f-\u009f]/.test(text.slice(end))
    ? text.slice(0, end) + createControlSequenceFilter()(text.slice(end))
    : text;
}
