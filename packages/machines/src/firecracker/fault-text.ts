/** What a fault message may have; the real ones are below 300 characters. */
const MAX_CHARACTERS = 300;

/**
 * Text from the API for an error of ours. It can quote what a guest or a damaged snapshot holds, so nothing in it
 * may reach a terminal as a control sequence, start a new line, or fill a log.
 */
export function cleanText(text: string): string {
  const shown = text.slice(0, MAX_CHARACTERS);
  // Controls, and the characters that turn the direction of text or end lines.
  const escaped = shown.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.length > MAX_CHARACTERS ? `${escaped}…` : escaped;
}
