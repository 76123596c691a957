/** What stands behind a `:` or `=`, in any format that a CLI may keep a credential in. */
export interface ValuesAt {
  /** Without quotes. Several of a list, a text over several lines, and a value with escapes. */
  readonly values: readonly string[];
  /** Where the text goes on. */
  readonly end: number;
}

/** Every repetition below has a limit: the text may come from a hostile machine. */
const MOST_ITEMS = 100;

/** A comment of JSONC, and what YAML puts before a value: `&anchor`, `!tag`. */
const BEFORE = /(?:[ \t]|\/\*[^*\n]{0,200}\*\/|[&!][^\s"',{}[\]]{0,100}(?=\s)){0,64}/y;
/** The sign of a block in YAML. */
const BLOCK = /[|>][-+\d]{0,2}[ \t]{0,64}(?:#[^\n]{0,200})?\r?\n/y;
const BLOCK_LINE = /[ \t]{0,200}\r?\n|[ \t]{1,200}([^\r\n]{1,8192})(?:\r?\n|$)/y;
/** A long string of TOML, or of Python. */
const LONG = /"""([^]{1,8192}?)"""|'''([^]{1,8192}?)'''/y;
const ROW_END = /(?:(?:#|\/\/)[^\n]{0,200})?(?:\r?\n[ \t]{0,64}){1,8}/y;
const DASH = /\s{0,200}-[ \t]{1,64}/y;
const BETWEEN = /(?:[\s,]|(?:#|\/\/)[^\n]{0,200}\n){0,200}/y;
/** The end of a quote may be missing in a text that is cut off. What a `:` or `=` follows is a name. */
const SCALAR =
  /"((?:[^"\\\n]|\\[^\n]){1,8192})"?|'((?:[^'\n]|''){1,8192})'?|(?=([^\s"',;#{}[\]:](?:[^\s"',;{}[\]:]|:(?!\s|$)){0,8191}))\3(?![ \t]{0,8}[:=])/y;

/** The values that begin at `start`, which is right behind the sign. None where something else stands there. */
export function valuesAt(text: string, start: number): ValuesAt {
  const at = start + (matchAt(BEFORE, text, start)?.[0].length ?? 0);
  const block = matchAt(BLOCK, text, at);
  if (block) return blockAt(text, at + block[0].length);
  const long = matchAt(LONG, text, at);
  if (long) return { values: linesOf(long[1] ?? long[2] ?? ''), end: at + long[0].length };
  if (text[at] === '[') return itemsAt(text, at + 1, BETWEEN);
  const row = matchAt(ROW_END, text, at);
  if (!row) return itemAt(text, at);
  const dash = matchAt(DASH, text, at);
  if (dash) return itemsAt(text, at, DASH);
  const below = at + row[0].length;
  // What is not set in belongs to no name above it, unless it is quoted.
  return /[ \t]$/.test(row[0]) || /["']/.test(text[below] ?? '') ? itemAt(text, below) : { values: [], end: at };
}

/** All of a line, where spaces or signs may be part of its only value, without the comment behind it. */
export function scalarAt(line: string): string | undefined {
  const value = line.replace(/[ \t]#.*$/, '').trim();
  return value === '' || /^["'[{|>&!#]|^\/[/*]/.test(value) ? undefined : value;
}

function blockAt(text: string, start: number): ValuesAt {
  const values: string[] = [];
  let end = start;
  for (let line = matchAt(BLOCK_LINE, text, end); line && values.length < MOST_ITEMS;) {
    if (line[1] !== undefined) values.push(line[1].trim());
    end += line[0].length;
    line = matchAt(BLOCK_LINE, text, end);
  }
  return { values, end };
}

/** Items of a list, each behind what `before` matches. */
function itemsAt(text: string, start: number, before: RegExp): ValuesAt {
  const values: string[] = [];
  let end = start;
  for (let count = 0; count < MOST_ITEMS; count += 1) {
    const gap = matchAt(before, text, end);
    const item = gap && itemAt(text, end + gap[0].length);
    if (!item || item.values.length === 0) break;
    values.push(...item.values);
    ({ end } = item);
  }
  return { values, end };
}

function itemAt(text: string, start: number): ValuesAt {
  const found = matchAt(SCALAR, text, start);
  if (!found) return { values: [], end: start };
  const [whole, double, single, plain = ''] = found;
  const end = start + whole.length;
  if (double !== undefined) return { values: distinct(double, unescaped(double)), end };
  return { values: single === undefined ? [plain] : distinct(single, single.replaceAll("''", "'")), end };
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => line.replace(/\\\r?$/, '').trim() || []);
}

function distinct(...values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}

/** As JSON, TOML and YAML read it. */
function unescaped(text: string): string {
  const names: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
  return text.replace(/\\(?:u([\da-f]{4})|(.))/gi, (_, hex: string | undefined, sign: string | undefined) =>
    hex === undefined ? (names[sign ?? ''] ?? sign ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
