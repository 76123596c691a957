import type { Clock } from '@sallyport/core';
import type { CredentialFiles } from '@sallyport/core/provider';

import { resolveHomePath } from './credential-file.ts';
import { isReplaced, readCredential, readSecretOf, readSettledCredential, sameReading } from './credential-reading.ts';
import type { CredentialPlace, CredentialReading } from './credential-reading.ts';
import { watchPaths } from './watch-paths.ts';

export interface CredentialWatchOptions {
  readonly place: CredentialPlace;
  readonly clock: Clock;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** A complete credential, of which a secret part is another than before. */
  onComplete(files: CredentialFiles): void;
  /** Something that will not become a credential by waiting. Once for each content. */
  onRejected(problem: string): void;
}

/** The safety net: on some file systems, and for devices and FIFOs, there are no change events. */
const RECHECK_MS = 2000;
/** CLIs write a stub or an empty file first, and the real content up to 15 ms later. */
const PATIENCE_MS = 500;

/** Follows a credential's files; what is there already counts as a change. */
export function watchCredential(options: CredentialWatchOptions): void {
  const { place, signal } = options;
  const notifier = createNotifier(signal);
  const targets = place.items.flatMap((item) =>
    item.as === 'file' ? [resolveHomePath(place.home, item.paths[place.role])] : [],
  );
  watchPaths({ root: place.home, paths: targets, onChange: notifier.ring, signal });
  // Ends by the signal alone.
  void follow(options, notifier).catch(() => {});
  notifier.ring();
}

async function follow({ place, clock, signal, ...tell }: CredentialWatchOptions, notifier: Notifier): Promise<void> {
  let told: CredentialReading = { type: 'absent' };
  while (!signal.aborted) {
    await notifier.rung(RECHECK_MS, clock);
    const first = await readCredential(place);
    const all: CredentialReading = isReplaced(place, first, told)
      ? first
      : await readSettledCredential(place, clock, signal, first);
    const reading = await readSecretOf(place, all, clock, signal);
    if (reading.type === 'absent' || sameReading(reading, told)) continue;
    // Its settings may be about to be written.
    if (reading !== all && (await notifier.rung(PATIENCE_MS, clock))) {
      notifier.ring();
      continue;
    }
    if (reading.type === 'complete') {
      const news = !sameSecrets(place, reading, told);
      told = reading;
      if (news) tell.onComplete(reading.files);
      continue;
    }
    if (await notifier.rung(PATIENCE_MS, clock)) {
      notifier.ring();
    } else if (sameReading(reading, await readCredential(place))) {
      told = reading;
      tell.onRejected(reading.problem);
    }
  }
}

/** A settings file changes at every run of some CLIs; that makes no new version of the login. */
function sameSecrets({ items }: CredentialPlace, one: CredentialReading, other: CredentialReading): boolean {
  if (one.type !== 'complete' || other.type !== 'complete') return false;
  return items.every(
    (item) => (item.as === 'file' && item.role === 'settings') || one.files[item.id] === other.files[item.id],
  );
}

interface Notifier {
  readonly ring: () => void;
  /** Waits for the next ring, or one not heard yet, at most this long. Whether it rang. */
  rung(withinMs: number, clock: Clock): Promise<boolean>;
}

function createNotifier(signal: AbortSignal): Notifier {
  let ringing = false;
  let wake = (): void => {};
  signal.addEventListener('abort', () => wake(), { once: true });
  return {
    ring: () => {
      ringing = true;
      wake();
    },
    rung: async (withinMs, clock) => {
      signal.throwIfAborted();
      if (!ringing) {
        const woken = new AbortController();
        wake = () => woken.abort();
        await clock.sleep(withinMs, woken.signal).catch(() => signal.throwIfAborted());
      }
      const heard = ringing;
      ringing = false;
      return heard;
    },
  };
}
