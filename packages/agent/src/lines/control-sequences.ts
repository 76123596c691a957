/**
 * Leaves out what steers a terminal: escape sequences (ECMA-48) and control characters other than tabs and ends of
 * lines, and byte order marks at the start of a line. CLIs write them before and between their lines of JSON, where a
 * parser would read none of it as JSON. A string of JSON may hold the control characters of eight bits and DEL (RFC 8259
 * §7), so those stay in a line that begins with `{`. It holds no others, so nothing of it is lost.
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
/** What is not looked at one by one: text, and control characters that mean nothing here. */
// oxlint-disable-next-line no-control-regex -- as above
const PLAIN = /[^\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]+/y;
// oxlint-disable-next-line no-control-regex -- as above
const IGNORED = /[\0-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f]+/y;
const EIGHT_BITS = /[\u007f-\u009f]/;
const BYTE_ORDER_MARK = '\ufeff';
const ESC = '\u001b';
/** What the control characters of eight bits stand for (ECMA-48 §5.3). */
const INTRODUCERS: Readonly<Record<string, State>> = {
  '\u0090': 'string',
  '\u0098': 'string',
  '\u009b': 'csi',
  '\u009d': 'string',
  '\u009e': 'string',
  '\u009f': 'string',
};

/** What the line has so far: nothing but white space, or something that begins with `{` or otherwise. */
type Beginning = 'nothing' | 'json' | 'text';

/** The returned function takes a stream in pieces: a sequence may be cut between two of them. */
export function createControlSequenceFilter(): ControlSequenceFilter {
  let state: State = 'text';
  let beginning: Beginning = 'nothing';
  return (text) => {
    let kept = '';
    for (let at = 0; at < text.length;) {
      const plain = state === 'text' ? matchAt(PLAIN, text, at) : '';
      if (plain !== '') {
        kept += plain;
        beginning = beginningAfter(beginning, plain);
        at += plain.length;
        continue;
      }
      const ignored = state === 'text' ? matchAt(IGNORED, text, at) : '';
      if (ignored !== '') {
        at += ignored.length;
        continue;
      }
      const character = text.charAt(at);
      const next = step(state, character, beginning);
      state = next.state;
      if (next.isText) {
        kept += character;
        beginning = beginningAfter(beginning, character);
      }
      at += 1;
    }
    return kept;
  };
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function beginningAfter(before: Beginning, kept: string): Beginning {
  const start = Math.max(kept.lastIndexOf('\n'), kept.lastIndexOf('\r')) + 1;
  if (start === 0 && before !== 'nothing') return before;
  const first = /\S/.exec(kept.slice(start))?.[0];
  if (first === undefined) return 'nothing';
  return first === '{' ? 'json' : 'text';
}

interface Step {
  readonly state: State;
  readonly isText: boolean;
}

const text: Step = { state: 'text', isText: true };
const end: Step = { state: 'text', isText: false };

function step(state: State, character: string, beginning: Beginning): Step {
  // A sequence that does not end ends with its line, or the lines behind it would be lost.
  if (character === '\n' || character === '\r') return text;
  if (character === BYTE_ORDER_MARK && state === 'text') return beginning === 'nothing' ? end : text;
  if (beginning !== 'json' && EIGHT_BITS.test(character)) return ofEightBits(state, character);
  if (character === ESC) return { state: state === 'string' ? 'string-escape' : 'escape', isText: false };
  switch (state) {
    case 'text':
      return CONTROL.test(character) ? end : text;
    case 'escape':
      return behindEscape(character, beginning);
    case 'csi':
      if (/[@-~]/.test(character)) return end;
      return /[ -?]/.test(character) ? { state, isText: false } : step('text', character, beginning);
    case 'string':
      return character === '\u0007' ? end : { state, isText: false };
    default:
      return character === '\\' ? end : behindEscape(character, beginning);
  }
}

/** Inside a string only its end counts. */
function ofEightBits(state: State, character: string): Step {
  if (state === 'string' && character !== '\u009c') return { state, isText: false };
  return { state: INTRODUCERS[character] ?? 'text', isText: false };
}

function behindEscape(character: string, beginning: Beginning): Step {
  if (character === '[') return { state: 'csi', isText: false };
  if (/[\]PX^_]/.test(character)) return { state: 'string', isText: false };
  if (/[ -/]/.test(character)) return { state: 'escape', isText: false };
  // No sequence has this one: it begins an object.
  return /[0-~]/.test(character) && character !== '{' ? end : step('text', character, beginning);
}
