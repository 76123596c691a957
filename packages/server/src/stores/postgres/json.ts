/**
 * Text that PostgreSQL can keep: it has no NUL character, and jsonb refuses half a surrogate pair. CLIs print both.
 * Each becomes U+FFFD.
 */
export function storableText(text: string): string {
  return text.replaceAll(unstorable, '\uFFFD');
}

/** For a jsonb column. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storableText(part) : part));
}

const unstorable = /\0|\p{Surrogate}/gu;

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Ids come from URLs. Anything but a UUID does not exist; the database would call it an error. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
