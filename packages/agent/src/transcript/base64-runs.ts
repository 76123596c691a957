import { printedStreams } from './printed-streams.ts';

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
  return printedStreams(text).flatMap(({ characters, offsets }) =>
    ALPHABETS.flatMap(({ name, run }) =>
      [...characters.matchAll(run)].flatMap(({ 0: found, index }) =>
        [0, 1, 2, 3].map((skipped) => runAt(found.slice(skipped), offsets.slice(index + skipped), name)),
      ),
    ),
  );
}

/** So many characters are nine bytes, and a secret that is replaced has eight. */
const ALPHABETS = [
  { name: 'base64', run: /[A-Za-z0-9+/]{11,}/g },
  { name: 'base64url', run: /[A-Za-z0-9_-]{11,}/g },
] as const;

function runAt(written: string, offsets: readonly number[], alphabet: (typeof ALPHABETS)[number]['name']): Base64Run {
  const decoded = Buffer.from(written, alphabet).toString('latin1');
  const encoded = (plain: string): string => Buffer.from(plain, 'latin1').toString(alphabet).replace(/=+$/, '');
  const before = encoded(decoded);
  return {
    decoded,
    encode: (changed) =>
      new Map(
        Array.from(encoded(changed), (character, index) => [offsets[index] ?? -1, character] as const).filter(
          ([, character], index) => character !== before[index],
        ),
      ),
  };
}
