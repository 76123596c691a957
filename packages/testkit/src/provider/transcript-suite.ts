import { SallyportError } from '@sallyport/core';
import type { LoginAction } from '@sallyport/core/engine';
import type { LoginMethod, Provider } from '@sallyport/core/provider';

import type { TestRunner } from '../runner.ts';
import { showFirst } from '../transcript.ts';
import type { Transcript } from '../transcript.ts';
import type { LoginOutcome, LoginRunOptions } from './login-run.ts';
import { lookAlikes } from './guard-suite.ts';
import { isListed } from './manifest-suite.ts';
import { createPlayer, firstSecureLink } from './replay.ts';
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
/** Longer than the engine waits before it uses a link on the screen. */
const SHOWN_MS = 3000;

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
          const unlisted = new Set<string>();
          const onAction = (action: LoginAction): void => {
            if (action.type !== 'announce-url' || isListed(provider.manifest, action.url.host)) return;
            unlisted.add(action.url.host);
          };
          const player = createPlayer(item.transcript, method, { ...item, onAction });
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
          check('after links that only look right', await afterLookAlikes(item, method, onAction));
          // Not the time on the wall, which is others' as well on a busy host.
          const { user, system } = process.cpuUsage(started);
          spent.ms += (user + system) / 1000;
          expect(differing.slice(0, 5)).toEqual([]);
          expect([...unlisted], 'announced hosts that the manifest does not list').toEqual([]);
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
    for await (const { cut, outcome } of opened.replay()) {
      check(cut === 'every byte' ? `byte by byte from ${window.start} to ${window.end}` : `cut at ${cut}`, outcome);
    }
  } finally {
    opened.close();
  }
}

/** The same login after the screen has shown links of other hosts, as text and as hyperlinks, longer than any hesitation. */
async function afterLookAlikes(
  item: TranscriptCase,
  method: LoginMethod,
  onAction: NonNullable<LoginRunOptions['onAction']>,
): Promise<LoginOutcome> {
  const links = method.url ? lookAlikes(method) : ['https://evil.test/'];
  const text = links.map((link) => `\u001b]8;;${link}\u0007${link}\u001b]8;;\u0007\r\n`).join('');
  // What the CLI gave to its browser command is what it printed itself, not what was put before.
  const printed = firstSecureLink(item.transcript.bytes)?.url;
  const browserLink = item.browserLink ?? printed;
  const options = { ...item, onAction, browserLink, browserCalledAfter: item.browserCalledAfter ?? printed };
  return createPlayer(showFirst(item.transcript, text, SHOWN_MS), method, options).whole([]);
}

/** Around every link in the bytes, and every place where the engine announced, asked, typed or decided. */
async function windowsOf(transcript: Transcript, player: Player): Promise<readonly Span[]> {
  const actions = (await player.actionOffsets()).map((offset) => ({ start: offset, end: offset }));
  return windowsAround([...placesOfLinks(transcript.bytes), ...actions], transcript.bytes.length);
}

/** The login method that a recording is of. */
export function methodOf({ manifest }: Provider, method: string | LoginMethod): LoginMethod {
  if (typeof method !== 'string') return method;
  const found = manifest.logins.find(({ id }) => id === method);
  if (found) return found;
  throw new SallyportError('CONFIG_INVALID', `The manifest of ${manifest.id} has no login method '${method}'.`);
}
