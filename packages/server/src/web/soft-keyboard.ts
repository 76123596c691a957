import { h } from './dom.ts';

/** Where typed text and keys go. */
export interface KeyTarget {
  sendKey(keysym: number, code: string | null, down?: boolean): void;
}

const keysyms: Readonly<Record<string, number>> = {
  Enter: 0xff0d,
  Tab: 0xff09,
  Escape: 0xff1b,
  ArrowLeft: 0xff51,
  ArrowUp: 0xff52,
  ArrowRight: 0xff53,
  ArrowDown: 0xff54,
};
const BACKSPACE = 0xff08;

/** Types text as if it had been typed on a keyboard. Latin-1 has keysyms of its own, the rest of Unicode an offset. */
export function typeText(target: KeyTarget, text: string): void {
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (character === '\n') target.sendKey(0xff0d, null);
    else if (character === '\t') target.sendKey(0xff09, null);
    else target.sendKey(codePoint >= 0x20 && codePoint <= 0xff ? codePoint : 0x01000000 | codePoint, null);
  }
}

/**
 * A text field nobody sees, whose changes become key presses: phones show their keyboard for nothing else, and their
 * input methods report changed text, not keys. It always holds some text, so that there is something to delete.
 */
export function createSoftKeyboard(target: () => KeyTarget | undefined): HTMLTextAreaElement {
  const filler = ' '.repeat(32);
  let before = filler;
  const refill = (): void => {
    before = filler;
    field.value = filler;
    field.setSelectionRange(filler.length, filler.length);
  };
  const field = h('textarea', {
    class: 'soft-keyboard',
    'aria-label': 'Types into the sign-in page',
    autocapitalize: 'off',
    autocomplete: 'off',
    autocorrect: 'off',
    spellcheck: 'false',
    tabindex: '-1',
    on: {
      focus: refill,
      input: () => {
        const keys = target();
        const same = commonPrefix(before, field.value);
        for (const _ of Array.from(before.slice(same))) keys?.sendKey(BACKSPACE, null);
        if (keys) typeText(keys, field.value.slice(same));
        before = field.value;
        if (before.length < 8 || before.length > 200 || before.includes('\n')) refill();
      },
      keydown: (event) => {
        const keysym = keysyms[event.key];
        if (keysym === undefined || event.isComposing) return;
        event.preventDefault();
        target()?.sendKey(keysym, null);
      },
    },
  });
  return field;
}

function commonPrefix(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
