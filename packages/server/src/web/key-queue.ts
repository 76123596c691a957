import { wait } from './wait.ts';

/** Where keys go: noVNC, while it is connected. */
export interface KeyTarget {
  sendKey(keysym: number, code: string | null, down?: boolean): void;
  clipboardPasteFrom(text: string): void;
}

export interface KeyQueue {
  /** Enters text as if it had been typed on a keyboard. */
  type(text: string): void;
  paste(text: string): void;
  press(keysym: number): void;
}

/** The machine's browser fetches the clipboard when it pastes: until it has, it must not change. */
const PASTE_MS = 250;
const CONTROL = 0xffe3;

/**
 * Sends keys in order. The machine has a US keyboard: for any other character its X server changes the keyboard's
 * layout first, and Chromium loses presses while it reads the new layout. Such text is pasted.
 */
export function createKeyQueue(target: () => KeyTarget | undefined): KeyQueue {
  let last = Promise.resolve();
  const enqueue = (work: () => void | Promise<void>): void => {
    const before = last;
    last = (async () => {
      await before;
      await work();
    })();
  };
  const press = (keysym: number): void => enqueue(() => target()?.sendKey(keysym, null));
  const paste = (text: string): void => {
    enqueue(async () => {
      const keys = target();
      keys?.clipboardPasteFrom(text);
      keys?.sendKey(CONTROL, 'ControlLeft', true);
      keys?.sendKey('v'.charCodeAt(0), 'KeyV');
      keys?.sendKey(CONTROL, 'ControlLeft', false);
      await wait(PASTE_MS);
    });
  };
  return {
    press,
    paste,
    type: (text) => {
      for (const [run] of text.matchAll(/[\x20-\x7e\n\t]+|[^\x20-\x7e\n\t]+/g)) {
        if (run.charCodeAt(0) <= 0x7e) for (const character of run) press(keysymOf(character));
        else paste(run);
      }
    },
  };
}

/** ASCII characters are their own keysyms (X11 protocol, appendix A). */
function keysymOf(character: string): number {
  if (character === '\n') return 0xff0d;
  return character === '\t' ? 0xff09 : character.charCodeAt(0);
}
