import { printedStreams } from './printed-streams.ts';
import type { PrintedStream } from './printed-streams.ts';

/** Part of a text that may be base64 (RFC 4648 §4 and §5), decoded, with what it takes to write it back. */
export interface Base64Run {
  /** Bytes as Latin-1. */
  readonly decoded: string;
  /**
   * Writes another text of the same length into its place.
   *
   * @returns The characters that change, by their offset in the recorded text.
   */
  encode(this: void, changed: string): ReadonlyMap<number, string>;
}

/**
 * Everything in a recording that may be base64: the text for the clipboard (OSC 52), an image, a part of what is on the
 * screen. Nothing tells where it starts, so each run is decoded from each of its first four characters.
 */
export function base64Runs(text: string): readonly Base64Run[] {
  return printedStreams(text)
    .flatMap(spellingsOf)
    .flatMap(({ characters, places }) =>
      ALPHABETS.flatMap(({ name, run }) =>
        [...characters.matchAll(run)].flatMap(({ 0: found, index }) =>
          [0, 1, 2, 3].map((skipped) => runAt(found.slice(skipped), places.slice(index + skipped), name)),
        ),
      ),
    );
}

/** So many characters are nine bytes, and a secret that is replaced has eight. */
const ALPHABETS = [
  { name: 'base64', run: /[A-Za-z0-9+/]{11,}/g },
  { name: 'base64url', run: /[A-Za-z0-9_-]{11,}/g },
] as const;

/** Where a character stands: one offset, or those of the two digits of its number. None: it cannot become another one. */
type Place = readonly number[];

interface Spelling {
  readonly characters: string;
  readonly places: readonly Place[];
}

/**
 * A sign of base64, or the end of a line in it, inside a URL (RFC 3986 §2.1), inside a URL inside a URL, and inside JSON
 * (RFC 8259 §7).
 */
const ENCODED = /(?:%(?:25)?|\\u00)(?<hex>2[bdf]|5f|0[ad])|\\(?<sign>[/nr])/gi;

/** The stream as it is, and with its encoded signs decoded where it has some. */
function spellingsOf({ characters, offsets }: PrintedStream): readonly Spelling[] {
  const plain = { characters, places: offsets.map((offset) => [offset]) };
  const found = [...characters.matchAll(ENCODED)];
  if (found.length === 0) return [plain];
  const parts: string[] = [];
  const places: Place[] = [];
  let from = 0;
  for (const { 0: written, index, groups } of found) {
    const end = index + written.length;
    parts.push(characters.slice(from, index));
    places.push(...plain.places.slice(from, index));
    from = end;
    const sign = groups?.['sign'] ?? String.fromCharCode(Number.parseInt(groups?.['hex'] ?? '', 16));
    if (!/[-+/_]/.test(sign)) continue;
    parts.push(sign);
    places.push(groups?.['hex'] === undefined ? [] : offsets.slice(end - 2, end));
  }
  parts.push(characters.slice(from));
  places.push(...plain.places.slice(from));
  return [plain, { characters: parts.join(''), places }];
}

function runAt(written: string, places: readonly Place[], alphabet: (typeof ALPHABETS)[number]['name']): Base64Run {
  const decoded = Buffer.from(written, alphabet).toString('latin1');
  const encoded = (plain: string): string => Buffer.from(plain, 'latin1').toString(alphabet).replace(/=+$/, '');
  const before = encoded(decoded);
  return {
    decoded,
    encode: (changed) =>
      new Map(
        Array.from(encoded(changed), (character, index) =>
          character === before[index] ? [] : writtenAt(places[index] ?? [], character),
        ).flat(),
      ),
  };
}

function writtenAt(place: Place, character: string): readonly (readonly [offset: number, character: string])[] {
  const text = place.length === 1 ? character : character.charCodeAt(0).toString(16);
  return place.map((offset, index) => [offset, text[index] ?? '']);
}
