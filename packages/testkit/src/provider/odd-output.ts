import { asRecord, tryParseJson } from '@sallyport/core/driver';

/** What CLIs print besides, or instead of, what was recorded. Each takes and gives the lines of an output. */

const ESC = '\u001b';
const BEL = '\u0007';
/** 5 MB, as an image or a file that a tool has read. */
const LONG = 5 * 1024 * 1024;

/** A cursor that is hidden, a title, colours and a line that is cleared: before, after and inside each line. */
export function steering(text: string): string {
  return eachLine(text, (line) => {
    const middle = Math.floor(line.length / 2);
    const inside = `${line.slice(0, middle)}${ESC}[1;32m${line.slice(middle)}`;
    return `${ESC}]0;title${BEL}${ESC}[?25l${inside}${ESC}[0m${ESC}[K`;
  });
}

/** Colours as JSON writes them, in each text that a user reads: tools colour their output. */
export function inColours(text: string): string {
  return eachLine(text, (line) => inJson(line, (value) => (isProse(value) ? `${ESC}[31m${value}${ESC}[0m` : value)));
}

/** The longest text that a user reads has 5 MB. */
export function withLongText(text: string): string {
  const longest = text
    .split('\n')
    .flatMap((line) => textsIn(tryParseJson(line)))
    .filter(isProse)
    .toSorted((a, b) => b.length - a.length)[0];
  if (longest === undefined) return text;
  let done = false;
  const lengthen = (value: string): string => {
    if (done || value !== longest) return value;
    done = true;
    return value.padEnd(LONG, ' and so on');
  };
  return eachLine(text, (line) => inJson(line, lengthen));
}

/** Lines of 5 MB that a release may add, before the others: a JSON object, and none. */
export function withLongLines(text: string): string {
  const blob = 'x'.repeat(LONG);
  return `{"type":"something-new","blob":"${blob}","last":true}\n${blob}\n${text}`;
}

/** A text with a blank: the names that a parser goes by have none. */
function isProse(value: string): boolean {
  return /\S \S/.test(value);
}

function eachLine(text: string, change: (line: string) => string): string {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? line : change(line)))
    .join('\n');
}

/** A line that is a JSON object with each of its texts changed; any other as it is. */
function inJson(line: string, change: (value: string) => string): string {
  const parsed = tryParseJson(line);
  return Object.keys(asRecord(parsed)).length === 0 ? line : JSON.stringify(changed(parsed, change));
}

function changed(value: unknown, change: (value: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => changed(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, changed(inner, change)]));
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
