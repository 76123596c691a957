/**
 * Text that PostgreSQL can keep: it has no NUL character, and jsonb refuses half a surrogate pair. CLIs print both.
 * Each becomes U+FFFD.
 */
export function storableText(text: string): string {
  return text.replaceAll(unstorable, '\uFFFD');
}

/** A value for an argument of type jsonb. */
export function storableJson<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storableText(part) : part)),
  );
}

const unstorable = /\0|\p{Surrogate}/gu;

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Ids come from URLs. Anything but a UUID does not exist; the database would call it an error. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** PostgreSQL writes times in JSON as ISO 8601, with microseconds. */
export function dateFrom(text: string): Date {
  return new Date(text);
}

/** PostgreSQL's hex format of bytea. */
export function hexFrom(bytes: Uint8Array): string {
  return String.raw`\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

/** @throws {TypeError} if the text is not in PostgreSQL's hex format. */
export function bytesFrom(hex: string): Uint8Array {
  if (!hex.startsWith(String.raw`\x`)) throw new TypeError('PostgreSQL did not give bytes in its hex format.');
  return Buffer.from(hex.slice(2), 'hex');
}
