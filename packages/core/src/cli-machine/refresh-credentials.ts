import { forEachAtOnce } from '../base/for-each-at-once.ts';
import type { CliRuntime } from './cli-runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { dueRefreshes, refreshCredential } from './refresh-credential.ts';

export interface RefreshCredentials {
  readonly machines: readonly CliMachine[];
  /** Whether the machine is running without prompts. */
  readonly isFree: (entry: CliMachine) => boolean;
  /** Runs work in the user's queue. */
  readonly exclusively: (userId: string, work: () => Promise<void>) => Promise<void>;
}

/** Refreshes credentials that expire soon on running machines without prompts, a few at a time. */
export async function refreshCredentials(
  runtime: CliRuntime,
  { machines, isFree, exclusively }: RefreshCredentials,
): Promise<void> {
  const { clock, settings } = runtime;
  const { atOnce, retryMs } = settings.keepAlive;
  await forEachAtOnce(machines.filter(isFree), atOnce, async (entry) => {
    const isRested = (provider: string): boolean => clock.monotonic() >= (entry.refreshes.get(provider) ?? 0);
    const due = (await dueRefreshes(runtime, entry)).filter(isRested);
    if (due.length === 0) return;
    // A new prompt waits: its CLI would present the same refresh token.
    await exclusively(entry.userId, async () => {
      for (const provider of await dueRefreshes(runtime, entry)) {
        if (!isFree(entry) || !due.includes(provider)) continue;
        entry.refreshes.set(provider, clock.monotonic() + retryMs);
        await runtime.bestEffort(`refreshing the ${provider} login`, () => refreshCredential(runtime, entry, provider));
      }
    });
  });
}
