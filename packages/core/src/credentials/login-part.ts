import { tryParseJsonc } from '../provider/jsonc.ts';
import { keysOfPointer, startsAnywhere } from '../provider/required-value.ts';

interface DividedFile {
  readonly write: 'replace' | 'merge-json';
  readonly require: readonly string[];
}

/**
 * What of a file on a user's own computer belongs to the login. A CLI that merges its file keeps other things there too,
 * such as Claude's logins of MCP servers: of those, and of settings, only the top-level keys that `require` leads into are
 * kept. A text that cannot be divided is returned as it is, for the check of an import to judge.
 */
export function loginPart({ write, require }: DividedFile, text: string): string {
  if (write === 'replace' || require.length === 0 || require.some(startsAnywhere)) return text;
  const value = tryParseJsonc(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return text;
  const keys = new Set(require.map((pointer) => keysOfPointer(pointer)[0]));
  return JSON.stringify(Object.fromEntries(Object.entries(value).filter(([key]) => keys.has(key))));
}
