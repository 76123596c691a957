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
