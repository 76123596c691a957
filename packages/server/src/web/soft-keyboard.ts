import { h } from './dom.ts';
import type { KeyQueue } from './key-queue.ts';

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

/**
 * A text field nobody sees, whose changes become key presses: phones show their keyboard for nothing else, and their
 * input methods report changed text, not keys. It always holds some text, so that there is something to delete.
 */
export function createSoftKeyboard(keys: KeyQueue): HTMLTextAreaElement {
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
        const same = commonPrefix(before, field.value);
        for (const _ of Array.from(before.slice(same))) keys.press(BACKSPACE);
        keys.type(field.value.slice(same));
        before = field.value;
        if (before.length < 8 || before.length > 200 || before.includes('\n')) refill();
      },
      keydown: (event) => {
        const keysym = keysyms[event.key];
        if (keysym === undefined || event.isComposing) return;
        event.preventDefault();
        keys.press(keysym);
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
