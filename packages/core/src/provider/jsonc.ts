import { tryParseJson } from './lenient-json.ts';

/**
 * The value of JSON with comments, as editors and many CLIs write their configuration: line and block comments, and a
 * comma after the last member. `undefined` for anything else; plain JSON reads as `tryParseJson` reads it.
 */
export function tryParseJsonc(text: string): unknown {
  const json = toJson(text);
  return json === undefined ? undefined : tryParseJson(json);
}

/**
 * Comments become spaces, and commas before a closing bracket too; `undefined` where a string or a comment has no end.
 * Looks at each character once: the text may come from a hostile machine, and a pattern would start over at each quote.
 */
function toJson(text: string): string | undefined {
  const parts: string[] = [];
  /** The last character outside of strings, comments and white space. */
  let last = '';
  /** Where the last comma is in `parts`, if nothing but comments and white space has come since and a value is before it. */
  let comma: number | undefined;
  for (let at = 0; at < text.length;) {
    const end = endOfToken(text, at);
    if (end === undefined) return undefined;
    const token = text.slice(at, end);
    at = end;
    if (isComment(token) || /^\s/.test(token)) {
      parts.push(isComment(token) ? ' ' : token);
      continue;
    }
    if ((token === '}' || token === ']') && comma !== undefined) parts[comma] = ' ';
    comma = token === ',' && !['', '[', '{', ',', ':'].includes(last) ? parts.length : undefined;
    last = token;
    parts.push(token);
  }
  return parts.join('');
}

/** Where the token that begins at `at` ends: a string, a comment, or one character. `undefined`: nowhere. */
function endOfToken(text: string, at: number): number | undefined {
  if (text[at] === '"') return endOfString(text, at);
  if (text.startsWith('//', at)) return endOfLine(text, at);
  if (!text.startsWith('/*', at)) return at + 1;
  const end = text.indexOf('*/', at + 2);
  return end < 0 ? undefined : end + 2;
}

function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += text[at] === '\\' ? 2 : 1) {
    if (text[at] === '"') return at + 1;
  }
  return undefined;
}

function endOfLine(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at += 1;
  return at;
}

function isComment(token: string): boolean {
  return token.startsWith('//') || token.startsWith('/*');
}
