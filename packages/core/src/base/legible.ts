/** Longest text of a stranger in a message, in characters. Our longest message quotes a pattern of 500. */
const LONGEST = 700;

/**
 * What an author nobody trusts wrote, fit for a message: at most 700 characters, with those that a terminal obeys or that
 * change the direction of the text written as `\u{…}`.
 */
export function legible(text: string): string {
  const escaped = text
    .slice(0, LONGEST)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return Math.max(text.length, escaped.length) > LONGEST ? `${escaped.slice(0, LONGEST - 1)}…` : escaped;
}
