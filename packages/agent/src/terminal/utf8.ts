/**
 * How many bytes at the end are the beginning of a character whose rest has not arrived. xterm.js 6 keeps such bytes
 * itself, but loses a character of three bytes of which two have come (its `Utf8ToUtf32.decode`).
 */
export function incompleteTail(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length += 1) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (byte < 0x80) return 0;
    // RFC 3629 §3: a first byte says how many follow; the others start with the bits 10.
    if (byte >= 0xc0) return length < lengthOf(byte) ? length : 0;
  }
  return 0;
}

function lengthOf(first: number): number {
  if (first >= 0xf8) return 1;
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}
