import { z } from 'zod';

import { pointerSchema } from './bounded.ts';
import { tryParseJson } from './lenient-json.ts';
import { valuesAtPointer } from './required-value.ts';

/** A value in a line of JSON. It is compared and not searched for, so that no text inside the line can stand for it. */
export const lineValueSchema = z
  .strictObject({
    at: pointerSchema
      .max(200)
      .describe('JSON pointer into the line (RFC 6901). `*` as a whole part stands for any key or index.'),
    equals: z.union([z.string().max(200), z.number(), z.boolean()]).describe('The value that counts.'),
  })
  .meta({ id: 'LineValue', description: 'A value to look for in a line that is a JSON object.' });

export type LineValue = z.infer<typeof lineValueSchema>;

/** Whether a line has one of the values. `line` is the parsed line. */
export function hasLineValue(wanted: readonly LineValue[], line: unknown): boolean {
  return wanted.some(({ at, equals }) => valuesAtPointer(line, at).includes(equals));
}

/** A line of output as JSON; `undefined` for any other text. */
export function parseLine(text: string): unknown {
  return text.trimStart().startsWith('{') ? tryParseJson(text) : undefined;
}
