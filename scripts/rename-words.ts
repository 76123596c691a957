import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * Renames identifiers and words: `node scripts/rename-words.ts scripts/renames.json`. It may be run again on work from
 * before a rename; what has its new name already is left alone.
 *
 * - `names`: identifiers, in code, in comments and in the code of documents. Never in strings, which may be stored.
 * - `segments`: a part of compound identifiers, such as `Folder` in `makeFolder`.
 * - `words`: in prose, which is comments, sentences in strings, and the text of documents.
 *
 * Each rule may be restricted to paths that start with one of `in`, and leaves alone those that start with one of `not`.
 */
interface Rules {
  readonly in?: readonly string[];
  readonly not?: readonly string[];
  readonly names?: Readonly<Record<string, string>>;
  readonly segments?: Readonly<Record<string, string>>;
  readonly words?: Readonly<Record<string, string>>;
}

type Kind = 'code' | 'comment' | 'string' | 'regex';

const root = resolve(import.meta.dirname, '..');
const [tablePath = ''] = process.argv.slice(2);
const table: readonly Rules[] = JSON.parse(readFileSync(resolve(tablePath), 'utf8'));
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);

let isInKeys = false;
let rewritten = 0;
for (const path of tracked) {
  if (!/\.(ts|mts|md|patch)$/.test(path) || path.startsWith('scripts/rename') || path.startsWith('scripts/mov'))
    continue;
  const file = join(root, path);
  const before = readFileSync(file, 'utf8');
  let after = before;
  for (const rules of table) {
    if (rules.in && !rules.in.some((prefix) => path.startsWith(prefix))) continue;
    if (rules.not?.some((prefix) => path.startsWith(prefix))) continue;
    after = path.endsWith('.md') ? renameDocument(after, rules) : renameSource(after, rules);
  }
  if (after === before) continue;
  writeFileSync(file, after);
  rewritten += 1;
}
console.log(`${rewritten} files rewritten.`);

function renameSource(text: string, rules: Rules): string {
  let code = '';
  return [...pieces(text)]
    .map(({ kind, text: piece }) => {
      if (kind === 'code') {
        code = piece;
        return renameNames(piece, rules);
      }
      if (kind === 'comment') return renameNames(renameWords(piece, rules), rules);
      // A key of a type: the string is a name.
      if (kind === 'string' && isTypeKey(code)) return renameNames(piece, rules);
      return kind === 'regex' || isSentence(piece) ? renameWords(piece, rules) : piece;
    })
    .join('');
}

/** A sentence has spaces; a key, a path or an identifier has none. Several lines are a program or a table. */
function isSentence(piece: string): boolean {
  return /[a-z] [a-z]/.test(piece) && !piece.includes('\n');
}

function isTypeKey(before: string): boolean {
  isInKeys =
    /(?:Pick|Omit)<[^;(]*,\s*$/.test(before) || (isInKeys && /^\s*\|\s*$/.test(before)) || /\w\[$/.test(before);
  return isInKeys;
}

function renameDocument(text: string, rules: Rules): string {
  return text
    .split(/(```[^]*?```|`[^`\n]*`)/)
    .map((piece, index) => (index % 2 === 1 ? renameNames(piece, rules) : renameWords(piece, rules)))
    .join('');
}

function renameNames(text: string, { names = {}, segments = {} }: Rules): string {
  return text.replaceAll(/(?<![\w$-])[A-Za-z_$][\w$]*(?![\w$])/g, (name) => {
    const whole = Object.hasOwn(names, name) ? names[name] : undefined;
    if (whole !== undefined) return whole;
    let next = name;
    for (const [from, to] of Object.entries(segments)) {
      // Only of a compound, and only a whole part of it.
      if (next === from) continue;
      const part = /^[A-Z]/.test(from) ? `${from}(?![a-z])` : `^${from}(?=[A-Z])`;
      next = next.replaceAll(new RegExp(part, 'g'), to);
    }
    return next;
  });
}

function renameWords(text: string, { words = {} }: Rules): string {
  let next = text;
  for (const [from, to] of Object.entries(words)) {
    next = next.replaceAll(new RegExp(`(?<![\\w$/.{-])${from}(?![\\w$/}-]|\\.\\w)`, 'g'), to);
  }
  return next;
}

/** Splits a source text. The code inside of a template literal counts as code. */
function* pieces(text: string): Generator<{ readonly kind: Kind; readonly text: string }> {
  let start = 0;
  let at = 0;
  const templates: number[] = [];
  let braces = 0;
  const flush = function* (kind: Kind, end: number): Generator<{ readonly kind: Kind; readonly text: string }> {
    if (end > start) yield { kind, text: text.slice(start, end) };
    start = end;
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    const two = text.slice(at, at + 2);
    if (two === '//' || two === '/*') {
      yield* flush('code', at);
      const end = two === '//' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2) + 2;
      at = end < at ? text.length : end;
      yield* flush('comment', at);
    } else if (char === "'" || char === '"') {
      yield* flush('code', at);
      at += 1;
      while (at < text.length && text[at] !== char && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
      at += 1;
      yield* flush('string', at);
    } else if (char === '/' && startsRegex(text.slice(0, at))) {
      yield* flush('code', at);
      let inClass = false;
      at += 1;
      while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
        if (text[at] === '[') inClass = true;
        else if (text[at] === ']') inClass = false;
        at += text[at] === '\\' ? 2 : 1;
      }
      at += 1;
      yield* flush('regex', at);
    } else if (char === '`' || (char === '}' && templates.at(-1) === braces)) {
      if (char === '}') templates.pop();
      yield* flush('code', at);
      at += 1;
      while (at < text.length && text[at] !== '`' && text.slice(at, at + 2) !== '${') at += text[at] === '\\' ? 2 : 1;
      if (text[at] === '`') {
        at += 1;
      } else {
        at += 2;
        templates.push(braces);
      }
      yield* flush('string', at);
    } else {
      if (char === '{') braces += 1;
      if (char === '}') braces -= 1;
      at += 1;
    }
  }
  yield* flush('code', text.length);
}

function startsRegex(before: string): boolean {
  return /(?:^|[(,=:[!&|?{};+]|=>|\breturn|\bcase)\s*$/.test(before.slice(-80));
}
