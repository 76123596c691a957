import type RFB from '@novnc/novnc';

import { wait } from './wait.ts';

/** Below this the machine's screen becomes upright, so that pages use their layout for phones. */
const NARROW = 640;
/** Chromium draws no narrower window: what does not fit would be cut off. */
const NARROWEST = 500;
/** How long a machine may take to change its screen. One that cannot is shown as it is. */
const RESIZE_MS = 3_000;

/** Changes the machine's screen only when it is a phone's and ours is not, or the other way round. */
export function fitRemote(rfb: RFB, screen: HTMLElement): void {
  const canvas = screen.querySelector('canvas');
  if (!canvas || screen.clientWidth < NARROW === canvas.width < NARROW) return;
  if (screen.clientWidth < NARROW) makeUpright(rfb, screen, canvas);
  else rfb.resizeSession = true;
}

/**
 * noVNC asks for the size of the element it paints in and for no other, so that element is made as large for a moment,
 * unseen, because it is wider than the phone then. Unseen by its opacity: what is hidden in other ways loses the focus.
 * Later changes are not asked for: a phone's keyboard opens and closes all the time.
 */
function makeUpright(rfb: RFB, screen: HTMLElement, canvas: HTMLCanvasElement): void {
  const width = Math.max(NARROWEST, screen.clientWidth);
  const height = Math.round((width * screen.clientHeight) / screen.clientWidth);
  const restore = (): void => {
    observer.disconnect();
    rfb.resizeSession = false;
    screen.style.removeProperty('width');
    screen.style.removeProperty('height');
    // noVNC follows in the frame after the one in which it sees the change.
    afterFrames(2, () => screen.style.removeProperty('opacity'));
  };
  const observer = new MutationObserver(() => {
    if (canvas.width < NARROW) restore();
  });
  observer.observe(canvas, { attributes: true, attributeFilter: ['width'] });
  screen.style.setProperty('opacity', '0');
  screen.style.setProperty('width', `${width}px`);
  screen.style.setProperty('height', `${height}px`);
  rfb.resizeSession = true;
  void wait(RESIZE_MS).then(restore);
}

function afterFrames(count: number, act: () => void): void {
  requestAnimationFrame(() => (count > 1 ? afterFrames(count - 1, act) : act()));
}
