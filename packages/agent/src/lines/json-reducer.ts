import { tryParseJson } from '@sallyport/core/provider';

/**
 * Makes a JSON object of a line that is too long to be kept: long strings lose their ends, and what is inside loses its
 * last members when there is too much of it. The members of the object itself stay, so that
 * `{"result":"<a megabyte>","is_error":false}` still says how it ended.
 */
export interface JsonReducer {
  push(text: string): void;
  /** At most `longest` characters; `undefined` where the line was not one JSON object. */
  end(): string | undefined;
}

/** What each string may keep when there is hardly any room: more than any name, id or URL of a CLI has. */
const LEAST_STRING = 256;

interface OpenString {
  /** Characters that may still be kept. */
  room: number;
  /** Characters that have been read. */
  length: number;
  cut: boolean;
  /** An escape that is not complete yet. */
  escape: string;
}

export function createJsonReducer(longest: number): JsonReducer {
  // The rest is for the members of the object that come when this much is used up.
  const comfortable = Math.floor(longest / 2);
  let out = '';
  let broken = false;
  let depth = 0;
  /** The depth whose further members are left out; 0 where none are. */
  let skipped = 0;
  /** The string that is being read. */
  let open: OpenString | undefined;

  const write = (text: string): void => {
    if (skipped > 0 || broken) return;
    if (out.length + text.length > longest) broken = true;
    else out += text;
  };

  function readStructure(text: string, at: number): number {
    const character = text[at] ?? '';
    switch (character) {
      case '"':
        write('"');
        open = {
          room: Math.max(LEAST_STRING, Math.floor((comfortable - out.length) / 2)),
          length: 0,
          cut: false,
          escape: '',
        };
        return at + 1;
      case '{':
      case '[':
        write(character);
        depth += 1;
        skipWhereFull();
        return at + 1;
      case '}':
      case ']':
        if (skipped === depth) skipped = 0;
        write(character);
        depth -= 1;
        return at + 1;
      case ',':
        skipWhereFull();
        write(character);
        return at + 1;
      default: {
        const end = next(/[\s"{}[\],]/g, text, at + 1);
        write(text.slice(at, end).trim());
        return end;
      }
    }
  }

  function skipWhereFull(): void {
    if (skipped === 0 && depth > 1 && out.length > comfortable) skipped = depth;
  }

  function readString(string: OpenString, text: string, at: number): number {
    if (string.escape !== '') return readEscape(string, text, at);
    const end = next(/["\\]/g, text, at);
    keep(string, text.slice(at, end));
    if (text[end] === '\\') string.escape = '\\';
    if (text[end] === '"') {
      write(string.cut ? ` … (shortened from ${string.length} characters)"` : '"');
      open = undefined;
    }
    return end + 1;
  }

  function readEscape(string: OpenString, text: string, at: number): number {
    string.escape += text[at] ?? '';
    if (string.escape.length < (string.escape[1] === 'u' ? 6 : 2)) return at + 1;
    // The first half of a pair is kept only where the second has room too.
    keepWhole(string, string.escape, /^\\u[dD][89abAB]/.test(string.escape) ? 12 : string.escape.length);
    string.escape = '';
    return at + 1;
  }

  function keep(string: OpenString, piece: string): void {
    if (piece.length <= string.room) return keepWhole(string, piece, piece.length);
    const kept = piece.slice(0, string.room);
    keepWhole(string, /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept, 0);
    string.length += piece.length - kept.length;
    string.cut = true;
  }

  function keepWhole(string: OpenString, piece: string, needed: number): void {
    string.length += piece.length;
    string.cut ||= needed > string.room;
    if (string.cut) return;
    write(piece);
    string.room -= piece.length;
  }

  return {
    push: (text) => {
      for (let at = 0; at < text.length;) at = open ? readString(open, text, at) : readStructure(text, at);
    },
    end: () => (broken || depth !== 0 || tryParseJson(out) === undefined ? undefined : out),
  };
}

/** Where the pattern, which is global, comes next; the end of the text where it does not. */
function next(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}
