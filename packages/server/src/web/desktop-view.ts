import type RFB from '@novnc/novnc';

import { toProblem } from './api.ts';
import type { Api } from './api.ts';
import { button, h } from './dom.ts';
import { fitRemote } from './fit-screen.ts';
import { createKeyQueue } from './key-queue.ts';
import { createSoftKeyboard } from './soft-keyboard.ts';
import { askForText } from './text-dialog.ts';
import { backOff, wait } from './wait.ts';

/** What a screen needs of the API. */
export type DesktopApi = Pick<Api, 'openDesktop'>;

export interface DesktopViewOptions {
  readonly api: DesktopApi;
  readonly sessionId: string;
  /** Whether the screen takes the keyboard as soon as it is there. */
  readonly takeFocus: boolean;
  /** Called with how many attempts in a row have failed: 0 once the screen is there. */
  readonly onTrouble: (failures: number) => void;
}

export interface DesktopView {
  /** Buttons, and what is going on. */
  readonly toolbar: HTMLElement;
  /** Where the screen is painted. noVNC looks for it from the document, so it cannot live in a shadow tree. */
  readonly screen: HTMLElement;
  close(): void;
}

/** Close code of the agent's bridge: the user opened the desktop in another window. */
const REPLACED = 4001;
/** Attempts in a row before the user has to ask for the next: an emulated machine may take minutes to its screen. */
const MOST_FAILURES = 30;
const SHIFT = 0xffe1;
const TICKET_REFUSED = 'ACCESS_TICKET_INVALID';

/** The machine's screen, with what a browser does not bring by itself: pasting, a keyboard on phones, reconnecting. */
export function createDesktopView(options: DesktopViewOptions): DesktopView {
  const over = new AbortController();
  let rfb: RFB | undefined;
  let copied = '';

  const screen = h('div', { class: 'sallyport-screen', role: 'application', 'aria-label': 'Sign-in page' });
  const keys = createKeyQueue(() => rfb);
  const keyboard = createSoftKeyboard(keys);
  const state = h('span', { class: 'viewer-state', role: 'status' });
  const copy = button('Copy', () => void navigator.clipboard.writeText(copied), { hidden: true });
  const again = button('Connect again', () => void run(), { hidden: true });
  const keyboardButton = button('Keyboard', () => keyboard.focus());
  const toolbar = h(
    'div',
    { class: 'toolbar' },
    state,
    h('span', { class: 'grow' }),
    again,
    copy,
    button('Paste', () => void paste()),
    keyboardButton,
    keyboard,
  );
  screen.addEventListener('keydown', leaveScreen, { capture: true });

  /** Everything typed goes to the machine, Tab too: there has to be a key to get out (WCAG 2.1.2). */
  function leaveScreen(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || !event.shiftKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    rfb?.sendKey(SHIFT, 'ShiftLeft', false);
    keyboardButton.focus();
  }

  async function paste(): Promise<void> {
    const text = await navigator.clipboard?.readText().catch(() => undefined);
    if (text === undefined || text === '') {
      askForText(toolbar, (typed) => keys.type(typed));
      return;
    }
    keys.paste(text);
    rfb?.focus();
  }

  const say = (text: string, isGone: boolean): void => {
    state.textContent = text;
    screen.toggleAttribute('data-waiting', isGone);
  };

  async function run(): Promise<void> {
    again.hidden = true;
    let failures = 0;
    say('Connecting to the screen…', true);
    while (!over.signal.aborted && failures < MOST_FAILURES) {
      const outcome = await showOnce(() => {
        failures = 0;
        options.onTrouble(failures);
        say(isTouch() ? 'Tap Keyboard to type' : 'Shift+Esc leaves the screen', false);
      });
      // What was said says all.
      if (over.signal.aborted || outcome === 'refused') return;
      if (outcome === 'replaced') {
        say('The screen is open in another window.', true);
        again.textContent = 'Use it here';
        again.hidden = false;
        return;
      }
      if (outcome === 'never-connected') options.onTrouble(++failures);
      say('Connecting to the screen again…', true);
      await wait(backOff(failures), over.signal).catch(() => {});
    }
    if (over.signal.aborted) return;
    say('The screen cannot be reached.', true);
    again.textContent = 'Connect again';
    again.hidden = false;
  }

  /** One connection, until it ends. noVNC calls even a torn connection clean, so that says nothing. */
  async function showOnce(onConnected: () => void): Promise<'replaced' | 'refused' | 'never-connected' | 'ended'> {
    let connected = false;
    let closeCode = 0;
    try {
      const { default: Rfb } = await preloadDesktop();
      // Last, and used at once: the server greets as soon as the socket is open, and nobody may miss that.
      const socket = await options.api.openDesktop(options.sessionId, over.signal);
      socket.addEventListener('close', (event) => (closeCode = event.code));
      const current = new Rfb(screen, socket, { shared: true });
      rfb = current;
      Object.assign(current, { scaleViewport: true, showDotCursor: true, qualityLevel: 6, compressionLevel: 2 });
      current.background = 'transparent';
      current.addEventListener('connect', () => {
        connected = true;
        fitRemote(current, screen);
        if (options.takeFocus) current.focus();
        onConnected();
      });
      current.addEventListener('clipboard', (event) => {
        copied = event instanceof CustomEvent ? String(event.detail.text) : '';
        copy.hidden = copied === '' || !navigator.clipboard;
      });
      const leave = (): void => current.disconnect();
      over.signal.addEventListener('abort', leave);
      await new Promise((resolve) => current.addEventListener('disconnect', resolve, { once: true }));
      over.signal.removeEventListener('abort', leave);
    } catch (error) {
      const { code, hint, message } = toProblem(error);
      if (!over.signal.aborted) say(`${message} ${code === TICKET_REFUSED ? hint : ''}`, true);
      if (code === TICKET_REFUSED) return 'refused';
    } finally {
      rfb = undefined;
    }
    if (closeCode === REPLACED) return 'replaced';
    return connected ? 'ended' : 'never-connected';
  }

  // Begins once the caller has put the screen somewhere: noVNC measures it.
  queueMicrotask(() => void run());
  return { toolbar, screen, close: () => over.abort() };
}

function isTouch(): boolean {
  return matchMedia('(pointer: coarse)').matches;
}

/** noVNC is large and most logins do not need it, so it is a separate file. */
export function preloadDesktop(): Promise<typeof import('@novnc/novnc')> {
  return import('@novnc/novnc');
}
