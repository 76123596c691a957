/** One place where a canary was found. */
export interface Find {
  /** Name of the canary, never its value. */
  readonly canary: string;
  readonly encoding: string;
  readonly where: string;
}

/** Adds a canary that became known, or looks for all that are known. */
export interface CanarySearch {
  add(name: string, value: string): void;
  in(where: string, content: string | Uint8Array): readonly Find[];
}

interface Needle {
  readonly canary: string;
  readonly encoding: string;
  readonly bytes: Buffer;
}

/** The one search that every place goes through, and the controls as well: what it cannot find in them, it finds nowhere. */
export function createCanarySearch(canaries: Readonly<Record<string, string>> = {}): CanarySearch {
  const needles: Needle[] = [];
  const add = (name: string, value: string): void => {
    needles.push(
      ...encodingsOf(value).map(([encoding, text]) => ({ canary: name, encoding, bytes: Buffer.from(text, 'latin1') })),
    );
  };
  for (const [name, value] of Object.entries(canaries)) add(name, value);
  return {
    add,
    in(where, content) {
      const bytes =
        typeof content === 'string'
          ? Buffer.from(content)
          : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
      return needles.flatMap((needle) =>
        bytes.includes(needle.bytes) ? [{ canary: needle.canary, encoding: needle.encoding, where }] : [],
      );
    },
  };
}

/** Every way a text could be written into something else, each once. */
export function encodingsOf(value: string): readonly (readonly [encoding: string, text: string])[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  const all: [string, string][] = [
    ['raw', value],
    ...[0, 1, 2].flatMap((shift): [string, string][] => [
      [`base64, shifted by ${shift}`, innerBase64(bytes, shift, 'base64')],
      [`base64url, shifted by ${shift}`, innerBase64(bytes, shift, 'base64url')],
    ]),
    ['hex', hex],
    ['HEX', hex.toUpperCase()],
    ['URL-encoded', encodeURIComponent(value)],
    ['URL-encoded, every byte', hex.replaceAll(/../g, '%$&')],
    ['URL-ENCODED, every byte', hex.toUpperCase().replaceAll(/../g, '%$&')],
    ['UTF-16', Buffer.from(value, 'utf16le').toString('latin1')],
  ];
  const seen = new Set<string>();
  return all.filter(([, text]) => !seen.has(text) && seen.add(text));
}

/** What stays the same of a text's base64 form when the text stands at this distance (mod 3) inside something larger. */
function innerBase64(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString(encoding)
    .replaceAll('=', '');
  // The first characters also hold bits of what stands in front, and the last one of what follows.
  const head = [0, 2, 3][shift];
  const tail = (shift + bytes.length) % 3 === 0 ? 0 : 1;
  return encoded.slice(head, encoded.length - tail);
}
