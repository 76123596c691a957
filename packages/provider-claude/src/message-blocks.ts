import { asRecord, nonEmpty, readable } from '@sallyport/core/provider';
import type { JsonRecord } from '@sallyport/core/provider';

/** Content blocks of a message of the Messages API, for a user to read. */
export function blocksOf(message: JsonRecord): readonly JsonRecord[] {
  const { content } = message;
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map(asRecord) : [];
}

/** A command as it is; the one argument of a file tool; anything else as JSON. */
export function toolInput(name: string, value: unknown): string {
  const input = asRecord(value);
  if (name === 'Bash') return nonEmpty(input['command']) ?? readable(value);
  const keys = Object.keys(input);
  const [only] = keys;
  return keys.length === 1 && only !== undefined ? readable(input[only]) : readable(value);
}

export function toolOutput(block: JsonRecord): string {
  const { content } = block;
  if (!Array.isArray(content)) return readable(content);
  return content
    .map(asRecord)
    .map((part) => nonEmpty(part['text']) ?? `[${readable(part['type'])}]`)
    .join('\n');
}
