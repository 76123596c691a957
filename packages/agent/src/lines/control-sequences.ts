/**
 * Leaves out what steers a terminal: escape sequences (ECMA-48) and control characters other than tabs and ends of
 * lines. CLIs write them before and between their lines of JSON, where a parser would read none of it as JSON. JSON itself
 * has no raw control characters, so nothing of it is lost.
 */
export type ControlSequenceFilter = (text: string) => string;

type State =
  | 'text'
  /** Behind ESC. */
  | 'escape'
  /** Behind ESC and `[`: parameters, then one final character. */
  | 'csi'
  /** A title, a hyperlink or the like, until BEL or ESC `\`. */
  | 'string'
  | 'string-escape';

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\0-\u0008\u000b\u000c\u000e-\u001f]/;
const ESC = '\u001b';

/** The returned function takes a stream in pieces: a sequence may be cut between two of them. */
export function createControlSequenceFilter(): ControlSequenceFilter {
  let state: State = 'text';
  return (text) => {
    if (state === 'text' && !CONTROL.test(text)) return text;
    let kept = '';
    for (const character of text) {
      const next = step(state, character);
      state = next.state;
      if (next.isText) kept += character;
    }
    return kept;
  };
}

interface Step {
  readonly state: State;
  readonly isText: boolean;
}

const text: Step = { state: 'text', isText: true };
const end: Step = { state: 'text', isText: false };

function step(state: State, character: string): Step {
  // A sequence that does not end ends with its line, or the lines behind it would be lost.
  if (character === '\n' || character === '\r') return text;
  if (character === ESC) return { state: state === 'string' ? 'string-escape' : 'escape', isText: false };
  switch (state) {
    case 'text':
      return CONTROL.test(character) ? end : text;
    case 'escape':
      return behindEscape(character);
    case 'csi':
      if (/[@-~]/.test(character)) return end;
      return /[ -?]/.test(character) ? { state, isText: false } : step('text', character);
    case 'string':
      return character === '\u0007' ? end : { state, isText: false };
    default:
      return character === '\\' ? end : behindEscape(character);
  }
}

function behindEscape(character: string): Step {
  if (character === '[') return { state: 'csi', isText: false };
  if (/[\]PX^_]/.test(character)) return { state: 'string', isText: false };
  if (/[ -/]/.test(character)) return { state: 'escape', isText: false };
  // No sequence has this one: it begins an object.
  return /[0-~]/.test(character) && character !== '{' ? end : step('text', character);
}
