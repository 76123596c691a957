import type { Clock } from '@sallyport/core';
import type { ScreenView } from '@sallyport/core/engine';

import type { Screen } from '../terminal/screen.ts';

/** Puts what a CLI writes on the screen, and has the screen looked at. */
export interface TerminalWatch {
  /** Rejects when the screen refuses the bytes. */
  show(bytes: Uint8Array): Promise<void>;
  /** Looks now at what nobody has looked at yet; for the last look, when all has been shown. */
  look(): void;
}

export interface TerminalWatchOptions {
  readonly screen: Pick<Screen, 'write' | 'view'>;
  readonly clock: Clock;
  readonly onView: (view: ScreenView) => void;
  readonly signal: AbortSignal;
}

/** After a look, this many times as long passes before the next: looking gets a fifth of the time at most. */
const REST = 4;
/** Of a burst that does not end, this much is waited for. */
const LONGEST_BURST_MS = 100;

/**
 * A look reads the whole screen and tries every rule of the provider on it, which costs far more than the few
 * kilobytes that a terminal delivers at a time. So a burst is looked at when all of it is on the screen, and a CLI that
 * never stops writing is looked at as often as time allows. A single piece after a silence is looked at at once.
 */
export function createTerminalWatch({ screen, clock, onView, signal }: TerminalWatchOptions): TerminalWatch {
  let unparsed = 0;
  let unseen = false;
  let restUntil = -Infinity;
  let unseenSince = 0;
  let waiting = false;

  function look(): void {
    if (!unseen) return;
    unseen = false;
    const began = clock.monotonic();
    onView(screen.view());
    const ended = clock.monotonic();
    restUntil = ended + (ended - began) * REST;
  }

  async function lookWhenRested(): Promise<void> {
    if (waiting) return;
    waiting = true;
    try {
      for (let left = restUntil - clock.monotonic(); left > 0; left = restUntil - clock.monotonic())
        await clock.sleep(left, signal);
      look();
    } finally {
      waiting = false;
    }
  }

  return {
    look,
    show: async (bytes) => {
      unparsed += 1;
      try {
        await screen.write(bytes);
      } finally {
        unparsed -= 1;
      }
      const now = clock.monotonic();
      if (!unseen) unseenSince = now;
      unseen = true;
      // Rejects when the login is over: then nobody looks any more.
      if (now < restUntil) lookWhenRested().catch(() => undefined);
      else if (unparsed === 0 || now - unseenSince > LONGEST_BURST_MS) look();
    },
  };
}
