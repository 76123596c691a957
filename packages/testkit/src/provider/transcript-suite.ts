import { SallyportError } from '@sallyport/core';
import type { LoginMethod, Provider } from '@sallyport/core';

import type { TestRunner } from '../runner.ts';
import type { Transcript } from '../transcript.ts';
import type { LoginOutcome, LoginRunOptions } from './login-run.ts';
import { createPlayer } from './replay.ts';
import type { Player } from './replay.ts';
import { placesOfLinks, randomSplittings, windowsAround } from './splits.ts';
import type { Span } from './splits.ts';

/** A recording and what has to come of it, however its bytes arrive. */
export interface TranscriptCase extends LoginRunOptions {
  readonly transcript: Transcript;
  /** Id of a login method, or one that only the test has. */
  readonly method: string | LoginMethod;
  /** What the login comes to. Matchers of the test runner may stand for single values. */
  readonly expected: { readonly [Key in keyof LoginOutcome]: unknown };
}

/** Processor time for all recordings of one provider together; how busy the machine is otherwise does not count. */
const BUDGET_MS = 60_000;
/** For one of them, by the clock. */
const PATIENCE_MS = 5 * BUDGET_MS;
const RANDOM_SPLITTINGS = 100;

export function transcriptSuite(provider: Provider, cases: readonly TranscriptCase[], runner: TestRunner): void {
  const { describe, it, expect } = runner;
  const spent = { ms: 0, replays: 0 };

  describe('recorded logins', () => {
    for (const item of cases) {
      const method = methodOf(provider, item.method);
      it(
        `${item.transcript.name} (${method.id}) comes to the same however its bytes arrive`,
        async () => {
          const started = process.cpuUsage();
          const player = createPlayer(item.transcript, method, item);
          const whole = await player.whole([]);
          expect(whole).toEqual(item.expected);
          const windows = await windowsOf(item.transcript, player);
          const differing: string[] = [];
          const check = (cuts: string, outcome: LoginOutcome): void => {
            spent.replays += 1;
            if (JSON.stringify(outcome) !== JSON.stringify(whole))
              differing.push(`${cuts}: ${JSON.stringify(outcome)}`);
          };
          check('whole', whole);
          for (const window of windows) await replayWindow(player, window, check);
          for (const cuts of randomSplittings(
            item.transcript.bytes.length,
            windows,
            RANDOM_SPLITTINGS,
            item.transcript.name,
          )) {
            check(`cut at ${cuts.join(', ')}`, await player.whole(cuts));
          }
          // Not the time on the wall, which is others' as well on a busy host.
          const { user, system } = process.cpuUsage(started);
          spent.ms += (user + system) / 1000;
          expect(differing.slice(0, 5)).toEqual([]);
        },
        PATIENCE_MS,
      );
    }

    it('are replayed within their time', () => {
      const seconds = (spent.ms / 1000).toFixed(1);
      console.info(`${provider.manifest.id}: ${spent.replays} replays of ${cases.length} recordings in ${seconds} s`);
      expect(spent.ms).toBeLessThan(BUDGET_MS);
    });
  });
}

async function replayWindow(
  player: Player,
  window: Span,
  check: (cuts: string, outcome: LoginOutcome) => void,
): Promise<void> {
  const opened = await player.openWindow(window);
  try {
    const every = Array.from({ length: window.end - window.start + 1 }, (_, index) => window.start + index);
    for (const cut of every) check(`cut at ${cut}`, await opened.replay([cut]));
    check(`byte by byte from ${window.start} to ${window.end}`, await opened.replay(every));
  } finally {
    opened.close();
  }
}

/** Around every link in the bytes, and every place where the engine announced, asked, typed or decided. */
async function windowsOf(transcript: Transcript, player: Player): Promise<readonly Span[]> {
  const actions = (await player.actionOffsets()).map((offset) => ({ start: offset, end: offset }));
  return windowsAround([...placesOfLinks(transcript.bytes), ...actions], transcript.bytes.length);
}

function methodOf({ manifest }: Provider, method: string | LoginMethod): LoginMethod {
  if (typeof method !== 'string') return method;
  const found = manifest.logins.find(({ id }) => id === method);
  if (found) return found;
  throw new SallyportError('CONFIG_INVALID', `The manifest of ${manifest.id} has no login method '${method}'.`);
}
