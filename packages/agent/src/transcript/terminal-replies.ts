/** What came from a terminal: keys that the user pressed, and answers that it gave itself. */
export interface TerminalInput {
  /** Takes what came, and returns the keys in it. */
  keysIn(this: void, text: string): string;
}

/**
 * Tells a user's keys from what the terminal answers to the CLI's questions, such as where the cursor is. Both come by the
 * same line. A recording holds the keys alone: another terminal answers otherwise, and a replay has its own.
 *
 * An answer may come in pieces. What may still become one waits for its rest; a lone Escape is a key.
 */
export function createTerminalInput(): TerminalInput {
  let unfinished = '';
  return {
    keysIn: (text) => {
      const all = unfinished + text;
      const [, whole = '', rest = ''] = UNFINISHED.exec(all) ?? [undefined, all];
      unfinished = rest.length > LONGEST_REPLY ? '' : rest;
      return (rest.length > LONGEST_REPLY ? all : whole).replace(REPLY, '');
    },
  };
}

/** Pieces of input, and when they came. */
type Pieces = readonly (readonly [seconds: number, keys: string])[];

/**
 * Leaves out answers whose Escape came by itself, which is a key as long as nobody knows what comes. Pieces that have no
 * key left are gone.
 */
export function withoutSplitReplies(pieces: Pieces): Pieces {
  const all = pieces.map(([, keys]) => keys).join('');
  const kept = Array.from({ length: all.length }, () => true);
  for (const { 0: reply, index } of all.matchAll(REPLY)) kept.fill(false, index, index + reply.length);
  let start = 0;
  return pieces.flatMap(([seconds, keys]) => {
    const from = start;
    start += keys.length;
    const left = keys
      .split('')
      .filter((_, offset) => kept[from + offset])
      .join('');
    return left === '' ? [] : [[seconds, left] as const];
  });
}

/** The colours of a palette and the name of a terminal are far shorter. */
const LONGEST_REPLY = 4096;

/**
 * ECMA-48 §8.3.14 CPR and DEC's, `CSI row ; column R` (Shift+F3 looks like it, and is not a key of a login) · device attributes
 * `CSI ? … c`, `CSI > … c`, `CSI = … c` · device status `CSI 0 n`, `CSI ? … n` · modes `CSI ? … $ y` · the state of the
 * kitty keyboard `CSI ? … u` · modifyOtherKeys `CSI > … m` · sizes `CSI … ; … ; … t` · DECREQTPARM `CSI 2 ; … x` · focus
 * `CSI I`, `CSI O` · strings of OSC, DCS, APC, PM and SOS, such as colours: no key sends one.
 */
const REPLY =
  // oxlint-disable-next-line no-control-regex
  /\u001b\[(?:\??\d+;\d+(?:;\d+)?R|[?>=][\d;]*c|\??\d+(?:;\d+)*n|\??[\d;]*\$y|\?\d*u|>[\d;]*m|\d+(?:;\d+)*t|[23](?:;\d+)+x|[IO])|\u001b[\]P_^X][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;

/** At the end: the beginning of a sequence, or of a string with its content. A lone Escape and `ESC O`, a key, are none. */
// oxlint-disable-next-line no-control-regex
const UNFINISHED = /^([^]*?)(\u001b\[[0-?]*[ -/]*|\u001b[\]P_^X][^\u0007\u001b]*\u001b?)$/;
