/** Stands where a secret was. */
export const REDACTED = '[redacted]';

/**
 * Replaces known secrets in text that arrives in pieces. A secret is found however the pieces cut it. Each character is
 * looked at once per secret, whatever the text: a machine must not be able to hold the event loop with it.
 */
export interface SecretFilter {
  /** Adds a piece. Returns what can be shown: everything but an end that may be the beginning of a secret. */
  push(piece: string): string;
  /**
   * Returns what was held back. If the text goes on all the same and completes a secret that began in it, the rest of
   * that secret is still replaced.
   */
  flush(): string;
  /** Returns what was held back, and begins again: the next piece belongs to another text. */
  end(): string;
  /** Adds a secret, which is looked for in what is held back too. The empty string is ignored. */
  add(secret: string): void;
}

/** Knuth, Morris and Pratt's search, kept between pieces. */
interface Search {
  readonly secret: string;
  /** For each length of a beginning: the longest shorter one that it ends in. */
  readonly borders: Int32Array;
  /** How much of the secret the text ends in at present. */
  matched: number;
}

/** Half-open, in characters of what is held back. `isMarked`: it began in text that is shown, as is its mark. */
interface Found {
  readonly start: number;
  readonly end: number;
  readonly isMarked: boolean;
}

export function createSecretFilter(secrets: Iterable<string> = []): SecretFilter {
  const searches: Search[] = [];
  let held = '';
  let found: Found[] = [];

  function advance(search: Search, from: number): void {
    const { secret, borders } = search;
    for (let at = from; at < held.length; at += 1) {
      if (search.matched === 0) {
        at = held.indexOf(secret.charAt(0), at);
        if (at < 0) return;
      }
      while (search.matched > 0 && secret[search.matched] !== held[at]) {
        search.matched = borders[search.matched] ?? 0;
      }
      if (secret[search.matched] === held[at]) search.matched += 1;
      if (search.matched < secret.length) continue;
      search.matched = borders[search.matched] ?? 0;
      // It began earlier if its beginning had to be shown before.
      found.push({ start: Math.max(0, at + 1 - secret.length), end: at + 1, isMarked: false });
    }
  }

  /** Shows what is held back up to a place, and forgets it. */
  function show(to: number): string {
    let shown = '';
    let at = 0;
    const merged = merge(found);
    for (const { start, end, isMarked } of merged) {
      if (start >= to) break;
      shown += held.slice(at, start) + (isMarked ? '' : REDACTED);
      at = end;
    }
    shown += held.slice(at, Math.max(at, to));
    held = held.slice(to);
    found = merged
      .filter(({ end }) => end > to)
      .map(({ start, end, isMarked }) => ({
        start: Math.max(0, start - to),
        end: end - to,
        isMarked: isMarked || start < to,
      }));
    return shown;
  }

  function add(secret: string): void {
    if (secret === '' || searches.some((search) => search.secret === secret)) return;
    const search = { secret, borders: bordersOf(secret), matched: 0 };
    searches.push(search);
    advance(search, 0);
  }

  for (const secret of secrets) add(secret);
  return {
    push: (piece) => {
      const from = held.length;
      held += piece;
      for (const search of searches) advance(search, from);
      // More than is held where the beginning of a secret had to be shown.
      const open = Math.max(0, ...searches.map(({ matched }) => matched));
      return show(Math.max(0, held.length - open));
    },
    flush: () => show(held.length),
    end: () => {
      for (const search of searches) search.matched = 0;
      return show(held.length);
    },
    add,
  };
}

/** Secrets that overlap are replaced as one. */
function merge(found: readonly Found[]): readonly Found[] {
  const merged: Found[] = [];
  for (const next of found.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (!last || last.end <= next.start) merged.push(next);
    else
      merged[merged.length - 1] = {
        start: last.start,
        end: Math.max(last.end, next.end),
        isMarked: last.isMarked || next.isMarked,
      };
  }
  return merged;
}

function bordersOf(secret: string): Int32Array {
  const borders = new Int32Array(secret.length + 1);
  for (let length = 1, border = 0; length < secret.length; length += 1) {
    while (border > 0 && secret[border] !== secret[length]) border = borders[border] ?? 0;
    if (secret[border] === secret[length]) border += 1;
    borders[length + 1] = border;
  }
  return borders;
}
