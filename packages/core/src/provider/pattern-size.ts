/**
 * Estimates how many states RE2 makes of a pattern, without compiling it. Compiling takes as long as
 * the program gets large, and `(…480 characters…){1000}` has 482,002 states.
 *
 * A counted repetition multiplies what it repeats, and everything else adds a few states. Invalid patterns get some
 * number, and are left to the compiler to refuse.
 */
export function estimateStates(pattern: string): number {
  const open: Level[] = [];
  let level: Level = { total: 0, last: 0 };
  let position = 0;
  while (position < pattern.length) {
    const token = nextToken(pattern, position);
    position += token.length;
    const copies = copiesOf(token);
    if (copies !== undefined) {
      level.last = (level.last + 1) * copies;
    } else if (FLAGS.test(token)) {
      // Sets flags and is not an item: an operator after it repeats what is before it.
    } else if (token.startsWith('(')) {
      open.push(level);
      level = { total: token.endsWith(':') ? 1 : 3, last: 0 };
    } else if (token === '|') {
      level = { total: level.total + level.last + 2, last: 0 };
    } else if (token === ')') {
      const inner = level.total + level.last;
      level = open.pop() ?? { total: 0, last: 0 };
      level = { total: level.total + level.last, last: inner };
    } else if (/^[*+?]$/.test(token)) {
      level.last += 1;
    } else if (token.startsWith('\\Q')) {
      // Text without operators, of which an operator that follows repeats the last character.
      const { length } = token.replace(/^\\Q|\\E$/g, '');
      if (length > 0) level = { total: level.total + level.last + length - 1, last: 1 };
    } else {
      level = { total: level.total + level.last, last: 1 };
    }
  }
  return [...open, level].reduce((sum, each) => sum + each.total + each.last, 2);
}

interface Level {
  /** States of what is complete. */
  total: number;
  /** States of the last item, which an operator that follows would repeat. */
  last: number;
}

const FLAGS = /^\(\?[A-Za-z-]*\)$/;

const TOKEN = new RegExp(
  [
    String.raw`\\Q[^]*?(?:\\E|$)`,
    String.raw`\\x\{[0-9A-Fa-f]*\}`,
    String.raw`\\[pP]\{[^}]*\}`,
    String.raw`\\[^]`,
    // A class; `]` in first place is a member.
    String.raw`\[\^?\]?(?:\\[pP]\{[^}]*\}|\\[^]|\[:[^\]]*:\]|[^\]\\])*\]`,
    String.raw`\{[0-9]+(?:,[0-9]*)?\}`,
    String.raw`\(\?[A-Za-z-]*[:)]`,
    String.raw`\(\?P?<[^>]*>`,
    '[^]',
  ].join('|'),
  'y',
);

function nextToken(pattern: string, position: number): string {
  TOKEN.lastIndex = position;
  return TOKEN.exec(pattern)?.[0] ?? pattern.slice(position, position + 1);
}

/** How many copies a token such as `{2,5}` makes of what is before it, at least one. */
function copiesOf(token: string): number | undefined {
  const [, least, most] = /^\{([0-9]+)(?:,([0-9]*))?\}$/.exec(token) ?? [];
  if (least === undefined) return undefined;
  return Math.max(Number(least), Number(most ?? 0), 1);
}
