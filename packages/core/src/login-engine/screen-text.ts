import type { ScreenView } from './observation.ts';

const LONGEST_LINE = 300;
/** More than the longest link that passes the guard. */
const LONGEST_FACT = 17 * 1024;

/** The last lines of a screen that say something, safe to put in a message. */
export function screenExcerpt(screen: ScreenView, lines = 6): string {
  const said = screen.lines.map(withoutBorder).filter((line) => /[\p{L}\p{N}]/u.test(line));
  // A full screen that is painted again leaves its older pictures above: each line counts where it stands last.
  const newest = [...new Set(said.toReversed())].slice(0, lines).toReversed();
  return newest.map(quotable).join('\n');
}

/** The text inside a box: its border says nothing, and may be as wide as the terminal. Some are drawn in ASCII. */
function withoutBorder(line: string): string {
  return plainText(line)
    .replace(/[\u2500-\u259f]+|[.,'`]?[-=_~+*#]{3,}[.,'`]?/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^([|!:*#]) (.*) \1$/, '$2')
    .replace(/^\| | \|$/g, '')
    .trim();
}

/**
 * A line that a CLI printed for users, safe to put in a message: control characters could move a terminal's
 * cursor, bidirectional and invisible ones could make the text read as something else (UTS 55), and what looks
 * like a token or a link's parameters may be a secret.
 */
export function quotable(printed: string): string {
  const line = withoutSecrets(plainText(printed)).trim();
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line;
}

const MOST_LINES = 500;
const MOST_LINKS = 50;

/** The view with what came after it; only the newest is kept. For a CLI that has no screen. */
export function withLines(view: ScreenView, lines: readonly string[], links: readonly string[]): ScreenView {
  const known = new Set(view.links);
  return {
    lines: [...view.lines, ...lines.map((line) => plainText(line).slice(0, LONGEST_FACT))].slice(-MOST_LINES),
    links: [...view.links, ...links.filter((link) => !known.has(link))].slice(-MOST_LINKS),
  };
}

/** Removes control characters, line separators and what has no width: soft hyphens, joiners, bidirectional controls. */
export function plainText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
}

function withoutSecrets(line: string): string {
  return line.replace(/(https?:\/\/[^\s?#]*)[?#]\S*/g, '$1?…').replace(/[A-Za-z0-9_+=#~-]{20,}/g, '[…]');
}
