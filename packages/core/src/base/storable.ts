/**
 * Text that PostgreSQL can keep: it has no NUL character, and jsonb refuses half a surrogate pair. CLIs print both.
 * Each becomes U+FFFD.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** A value as a store gives it back: as JSON, with {@link storableText} for every text. */
export function storableJson<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storableText(part) : part)),
  );
}
