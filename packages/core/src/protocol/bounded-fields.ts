import { z } from 'zod';

/** Text for users. What is too long is cut and marked: a machine must not make the server store what it likes. */
export function shortened(maxLength: number) {
  return z
    .string()
    .overwrite((text) => shorten(text, maxLength))
    .max(maxLength);
}

/** Names chosen by us, such as ids. A longer one is refused. */
export const nameSchema = z.string().max(200);

/** A record with at most so many entries. More are refused. */
export function boundedRecord<Value extends z.ZodType>(value: Value, maxProperties: number) {
  return z
    .record(z.string().max(200), value)
    .refine((record) => Object.keys(record).length <= maxProperties, `must have at most ${maxProperties} entries`)
    .meta({ maxProperties });
}

function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const mark = ` … (shortened from ${text.length} characters)`;
  const kept = text.slice(0, Math.max(0, maxLength - mark.length));
  // Half of a surrogate pair is not text: PostgreSQL does not take it in JSON.
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}${mark}`;
}
