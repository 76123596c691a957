import { wait } from './wait.ts';

/** Where keys go: noVNC, while it is connected. */
export interface KeyTarget {
  sendKey(keysym: number, code: string | null, down?: boolean): void;
}

export interface KeyQueue {
  /** Types text as if it had been typed on a keyboard. */
  type(text: string): void;
  press(keysym: number): void;
}

/** Pause around a character the machine's keyboard does not have. Without it about one in ten got lost. */
const REMAP_MS = 60;

/**
 * Sends keys in order. The machine has a US keyboard: for any other character its X server changes the keyboard's
 * layout first, and a browser that is still reading the last change misses the press.
 */
export function createKeyQueue(target: () => KeyTarget | undefined): KeyQueue {
  let last = Promise.resolve();
  const press = (keysym: number): void => {
    const needsRemap = keysym >= 0x01000000;
    last = last.then(async () => {
      if (needsRemap) await wait(REMAP_MS);
      target()?.sendKey(keysym, null);
      if (needsRemap) await wait(REMAP_MS);
    });
  };
  return {
    press,
    type: (text) => {
      for (const character of text) press(keysymOf(character));
    },
  };
}

/** ASCII has keysyms of its own; the rest of Unicode has an offset (X11 protocol, appendix A). */
function keysymOf(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  if (character === '\n') return 0xff0d;
  if (character === '\t') return 0xff09;
  return codePoint >= 0x20 && codePoint <= 0x7e ? codePoint : 0x01000000 | codePoint;
}
