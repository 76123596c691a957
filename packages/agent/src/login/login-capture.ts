import { matchWhole } from '@sallyport/core/engine';
import type { Clock } from '@sallyport/core';
import type { ScreenView } from '@sallyport/core/engine';
import type { CredentialFiles, CredentialItem } from '@sallyport/core/provider';

import { readSecretOf, readSettledCredential } from '../credentials/credential-reading.ts';
import type { CredentialPlace, CredentialReading } from '../credentials/credential-reading.ts';

/** The engine asks again each second; in between, looking often keeps the user from waiting. */
const LOOK_EVERY_MS = 40;
const LOOK_FOR_MS = 800;

/** Reads the credential of a login that says it is done. Its file may still be a moment away. */
export async function captureLogin(
  place: CredentialPlace,
  clock: Clock,
  signal: AbortSignal,
): Promise<CredentialReading> {
  const until = clock.monotonic() + LOOK_FOR_MS;
  for (;;) {
    const reading = await readSettledCredential(place, clock, signal);
    if (reading.type === 'complete') return reading;
    if (clock.monotonic() >= until) return readSecretOf(place, reading, clock, signal);
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/**
 * Credentials other than files: a token the CLI printed, or a key the user typed in answer to the prompt
 * that has the item's id.
 */
export function findValues(
  items: readonly CredentialItem[],
  screen: ScreenView,
  answers: ReadonlyMap<string, string>,
): CredentialFiles {
  const text = screen.lines.join('\n');
  const found = items.flatMap((item) => {
    if (item.as !== 'environment') return [];
    const value = item.from === 'user' ? answers.get(item.id) : matchWhole(item.from, text);
    return value === undefined ? [] : [[item.id, value] as const];
  });
  return Object.fromEntries(found);
}
