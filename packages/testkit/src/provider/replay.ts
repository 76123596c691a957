import { createScreen } from '@sallyport/agent/terminal';
import type { Screen } from '@sallyport/agent/terminal';
import type { ScreenView } from '@sallyport/core/engine';
import type { LoginMethod } from '@sallyport/core/provider';

import { offsetOf } from '../transcript.ts';
import type { Transcript } from '../transcript.ts';
import { startLoginRun } from './login-run.ts';
import type { LoginOutcome, LoginRun, LoginRunOptions } from './login-run.ts';
import { linksInBytes } from './splits.ts';
import type { Span } from './splits.ts';

/**
 * Plays a transcript through the real terminal and the real engine. The bytes may be cut anywhere, except that
 * a recorded pause always is a cut: what came after it cannot have come with what came before.
 */
export interface Player {
  /** The whole, cut at these offsets. */
  whole(cuts: readonly number[]): Promise<LoginOutcome>;
  /** Offsets at which the engine did something, when it saw the screen as often as useful to find them. */
  actionOffsets(): Promise<readonly number[]>;
  /** Everything before the window, from a terminal built once for all the cuts in it. */
  openWindow(window: Span): Promise<PlayedWindow>;
}

export interface PlayedWindow {
  /** What comes of a cut after each byte of the window, in order, and of all of these cuts at once. */
  replay(): AsyncGenerator<{ readonly cut: number | 'every byte'; readonly outcome: LoginOutcome }>;
  close(): void;
}

/** How far a replay has come. */
interface Progress {
  readonly run: LoginRun;
  readonly elapsedMs: number;
  /** Characters of what was sent that earlier pauses have used up. */
  readonly typed: number;
  /** The CLI waits for a key that nobody pressed. */
  readonly stalled: boolean;
}

export function createPlayer(transcript: Transcript, method: LoginMethod, options: LoginRunOptions = {}): Player {
  const { bytes, columns, rows, exit } = transcript;
  const start: Progress = { run: startLoginRun(method, options), elapsedMs: 0, typed: 0, stalled: false };
  const browser = options.browserCommand === true ? browserCall(transcript, options) : undefined;

  /** The CLI calls its browser command right after printing the link, so before anything that follows. */
  const seen = (progress: Progress, screen: ScreenView, from: number, offset: number): Progress => {
    if (progress.stalled) return progress;
    const called = browser && browser.end > from && browser.end <= offset;
    const run = called ? progress.run.observe({ type: 'shim', url: browser.url }) : progress.run;
    return { ...progress, run: run.observe({ type: 'screen', screen }) };
  };

  const reachedAt = (progress: Progress, view: ScreenView, from: number, offset: number): Progress =>
    pausedAt(transcript, seen(progress, view, from, offset), offset);

  /** Writes up to `to`, cut at `cuts` and at pauses, showing the engine the screen at each. */
  const play = async (progress: Progress, screen: Screen, span: Span, cuts: readonly number[]): Promise<Progress> => {
    let [reached, written] = [progress, span.start];
    for (const stop of stopsIn(transcript, span, cuts)) {
      await screen.write(bytes.subarray(written, stop));
      reached = reachedAt(reached, screen.view(), written, stop);
      written = stop;
      if (reached.stalled) break;
    }
    return reached;
  };

  const end = (progress: Progress): LoginOutcome => {
    if (progress.stalled) return progress.run.outcome;
    // A CLI that still ran was watched a little longer than the engine takes to believe what it sees.
    const last =
      exit === null ? silent(progress, 2000).run : progress.run.observe({ type: 'exit', code: exit, signal: null });
    return silent({ ...progress, run: last }, 10_000).run.outcome;
  };

  const whole: Player['whole'] = async (cuts) => {
    const screen = createScreen({ columns, rows });
    try {
      return end(await play(start, screen, { start: 0, end: bytes.length }, cuts));
    } finally {
      screen.dispose();
    }
  };

  return {
    whole,
    async actionOffsets() {
      const screen = createScreen({ columns, rows });
      const offsets: number[] = [];
      let [progress, from] = [start, 0];
      while (from < bytes.length && !progress.stalled) {
        const stop = stopsIn(transcript, { start: from, end: Math.min(bytes.length, from + 4096) }, [])[0] ?? from;
        const rewind = screen.checkpoint();
        const after = await play(progress, screen, { start: from, end: stop }, []);
        if (after.run.actions > progress.run.actions) {
          offsets.push(await firstAction(progress, screen, rewind, { start: from, end: stop }));
        }
        [progress, from] = [after, stop];
      }
      screen.dispose();
      return offsets;

      async function firstAction(before: Progress, on: Screen, rewind: () => void, span: Span): Promise<number> {
        let [low, high] = [span.start, span.end];
        while (low + 1 < high) {
          const middle = Math.floor((low + high) / 2);
          rewind();
          await on.write(bytes.subarray(span.start, middle));
          if (seen(before, on.view(), span.start, middle).run.actions > before.run.actions) high = middle;
          else low = middle;
        }
        rewind();
        await on.write(bytes.subarray(span.start, span.end));
        return high;
      }
    },
    async openWindow(window) {
      const screen = createScreen({ columns, rows });
      const before = await play(start, screen, { start: 0, end: window.start }, []);
      const rewind = screen.checkpoint();
      // The terminal comes to the same however its bytes are cut, so what it shows at the later stops is known.
      const stops = await viewsAfter(transcript, screen, window);
      const expected = stops.find(({ offset }) => offset === window.end)?.view;
      /** Goes on after `offset`, without another cut. */
      const rest = (progress: Progress, offset: number): LoginOutcome => {
        let [reached, from] = [progress, offset];
        for (const stop of stops) {
          if (stop.offset <= offset) continue;
          reached = reachedAt(reached, stop.view, from, stop.offset);
          from = stop.offset;
        }
        return end(reached);
      };
      return {
        async *replay() {
          rewind();
          let [uncut, from, everyByte] = [before, window.start, before];
          let last: { readonly text: string; readonly outcome: LoginOutcome } | undefined;
          for (let cut = window.start + 1; cut <= window.end; cut++) {
            await screen.write(bytes.subarray(cut - 1, cut));
            const view = screen.view();
            const text = textOf(view);
            everyByte = reachedAt(everyByte, view, cut - 1, cut);
            const isStop = stops.some(({ offset }) => offset === cut);
            // In the middle of a sequence the screen stays as it was, and so does what comes of it.
            const isSame = last?.text === text && !isStop && browser?.end !== cut;
            const outcome = last && isSame ? last.outcome : rest(reachedAt(uncut, view, from, cut), cut);
            yield { cut, outcome };
            last = { text, outcome };
            if (!isStop) continue;
            [uncut, from, last] = [reachedAt(uncut, view, from, cut), cut, undefined];
          }
          const isThere = expected && textOf(screen.view()) === textOf(expected);
          const outcome = isThere
            ? rest(everyByte, window.end)
            : { ...before.run.outcome, result: 'a different screen' };
          yield { cut: 'every byte', outcome };
        },
        close: () => screen.dispose(),
      };
    },
  };
}

function stopsIn(transcript: Transcript, { start, end }: Span, cuts: readonly number[]): readonly number[] {
  const stops = [...cuts, ...transcript.pauses.map((pause) => pause.offset), end];
  return [...new Set(stops.filter((stop) => stop > start && stop <= end))].toSorted((a, b) => a - b);
}

/** What the screen shows at the end of a window, and at each pause in it and after it. */
async function viewsAfter(
  transcript: Transcript,
  screen: Screen,
  window: Span,
): Promise<readonly { readonly view: ScreenView; readonly offset: number }[]> {
  const views = [];
  let written = window.start;
  for (const offset of stopsIn(transcript, { start: window.start, end: transcript.bytes.length }, [window.end])) {
    await screen.write(transcript.bytes.subarray(written, offset));
    views.push({ view: screen.view(), offset });
    written = offset;
  }
  return views;
}

/** Lets the recorded silence pass, and stalls where the CLI waited for a key that was not sent. */
function pausedAt(transcript: Transcript, progress: Progress, offset: number): Progress {
  return transcript.pauses
    .filter((pause) => pause.offset === offset && !progress.stalled)
    .reduce((reached, { silentMs, until }) => {
      const later = silent(reached, silentMs);
      if (until === undefined) return later;
      const found = later.run.outcome.sent.join('').indexOf(until, later.typed);
      return found < 0 ? { ...later, stalled: true } : { ...later, typed: found + until.length };
    }, progress);
}

function silent(progress: Progress, forMs: number): Progress {
  let [run, elapsedMs] = [progress.run, progress.elapsedMs];
  const until = elapsedMs + forMs;
  while (elapsedMs < until) {
    elapsedMs = Math.min(until, elapsedMs + 1000);
    run = run.observe({ type: 'tick', elapsedMs });
  }
  return { ...progress, run, elapsedMs };
}

function textOf({ lines, links }: ScreenView): string {
  return [...lines, ...links].join('\n');
}

function browserCall(
  transcript: Transcript,
  { browserLink, browserCalledAfter }: LoginRunOptions,
): { readonly url: string; readonly end: number } | undefined {
  const printed = firstSecureLink(transcript.bytes);
  if (browserLink === undefined) return printed;
  if (browserCalledAfter === undefined) return printed && { ...printed, url: browserLink };
  return { url: browserLink, end: offsetOf(transcript, browserCalledAfter) + Buffer.byteLength(browserCalledAfter) };
}

/** The link that a CLI hands to its browser command, unless the test says otherwise, and where it ends. */
export function firstSecureLink(bytes: Uint8Array): { readonly url: string; readonly end: number } | undefined {
  const links = linksInBytes(bytes).map(({ start, end }) => ({
    url: Buffer.from(bytes.subarray(start, end)).toString(),
    end,
  }));
  return links.find(({ url }) => url.startsWith('https://'));
}
