import { readable } from '../provider/lenient-json.ts';
import type { JsonRecord } from '../provider/lenient-json.ts';
import { readRpcMessage } from './message.ts';

/** More than any message that decides something has. */
const MOST_FACTS = 200;
const LONGEST_VALUE = 16 * 1024;

/**
 * A message as lines for matchers: what it is, then each value with its place (RFC 6901), in alphabetical order.
 *
 *     account/login/completed
 *     account/login/completed /success true
 *     login result
 *     login result /authUrl https://…
 *     login error /message …
 *
 * `login` is the step whose request is answered. Every line stands for itself and a value never spans two, so that
 * `^account/login/completed /success true$` cannot be written by a text inside another message, and the order in
 * which a CLI happens to write its keys does not matter.
 */
export function factsOf(message: JsonRecord): readonly string[] {
  const read = readRpcMessage(message);
  if (!read) return [];
  const name = read.type === 'reply' ? `${read.id} ${read.ok ? 'result' : 'error'}` : read.method;
  const source = oneLine(name);
  return [source, ...leaves(read.type === 'reply' ? read.value : read.params).map((leaf) => `${source} ${leaf}`)];
}

/** The links among a message's values. A value is complete or not there at all. */
export function linksOf(message: JsonRecord): readonly string[] {
  return factsOf(message).flatMap((fact) => fact.match(/ (https:\/\/[^\s"\\]+)$/)?.[1] ?? []);
}

/** Depth first, with an explicit stack: how deep a message goes is the CLI's choice. */
function leaves(root: unknown): readonly string[] {
  const found: string[] = [];
  const open: { readonly pointer: string; readonly value: unknown }[] = [{ pointer: '', value: root }];
  for (let next = open.pop(); next && found.length < MOST_FACTS; next = open.pop()) {
    const { pointer, value } = next;
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? 1 : -1));
      open.push(
        ...entries.slice(-MOST_FACTS).map(([key, inner]) => ({ pointer: `${pointer}/${escaped(key)}`, value: inner })),
      );
    } else if (pointer !== '' && value !== null && value !== undefined) {
      found.push(`${pointer} ${oneLine(readable(value))}`);
    }
  }
  return found;
}

function escaped(key: string): string {
  return oneLine(key.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** As JSON writes it, without the quotes: a line break becomes two characters. */
function oneLine(text: string): string {
  return JSON.stringify(text.slice(0, LONGEST_VALUE)).slice(1, -1);
}
