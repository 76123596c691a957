import { StringDecoder } from 'node:string_decoder';

/** Cuts a stream of bytes into lines, and a line that is too long into its beginning and a notice. */
export interface LineSplitter {
  push(bytes: Uint8Array): readonly Line[];
  /** What is left when the stream ends without a line feed. */
  end(): readonly Line[];
}

export interface Line {
  readonly text: string;
  /** Characters that were dropped from its end. */
  readonly dropped: number;
}

export function createLineSplitter(longestLine: number): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let open = '';
  let dropped = 0;

  const grow = (text: string): void => {
    const room = Math.max(0, longestLine - open.length);
    open += text.slice(0, room);
    dropped += Math.max(0, text.length - room);
  };
  const finish = (): Line => {
    const line = { text: open.replace(/\r$/, ''), dropped };
    open = '';
    dropped = 0;
    return line;
  };
  return {
    push: (bytes) => {
      const lines: Line[] = [];
      const text = decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      const [first = '', ...others] = text.split('\n');
      grow(first);
      for (const next of others) {
        lines.push(finish());
        grow(next);
      }
      return lines;
    },
    end: () => {
      grow(decoder.end());
      return open === '' && dropped === 0 ? [] : [finish()];
    },
  };
}
