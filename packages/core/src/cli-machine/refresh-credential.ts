import { refreshTime } from '../credentials/refresh-policy.ts';
import { SallyportError } from '../base/errors.ts';
import type { CliRuntime } from './cli-runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { pinnedInWork } from './pinned-in-work.ts';
import { REFRESH_MS, runRefresh } from './run-refresh.ts';

/**
 * Refreshes credentials on a running machine if the provider's CLI has a command that does so without calling a
 * model. The new version is handled like any rotation: the agent offers it until it is stored, and it is on the disk.
 */

/** The agent enforces the deadline. The server gives up on the stream this much later. */
const GRACE_MS = 5_000;

/** Providers whose credential on this machine is due. Only valid credentials that the machine has leased. */
export async function dueRefreshes(
  runtime: CliRuntime,
  { userId, running, withheld, damaged }: CliMachine,
): Promise<readonly string[]> {
  const { registry, gate, store, clock, settings } = runtime;
  const injected = (await store.machines.get(running.id))?.injected ?? {};
  const due: string[] = [];
  for (const credential of await store.credentials.list(userId)) {
    const { provider, version, valid } = credential;
    if (
      !valid ||
      injected[provider] !== version ||
      withheld.has(provider) ||
      damaged.has(provider) ||
      !registry.has(provider)
    )
      continue;
    const { refresh } = registry.get(provider).manifest.commands;
    if (!refresh || gate.closed(provider)) continue;
    const time = refreshTime(credential, refresh, settings.keepAlive.beforeMs);
    if (time === undefined || time > clock.now()) continue;
    const standing = await runtime.ledger.standing(userId, provider);
    if (standing?.holder === running.id && !standing.rolledBack) due.push(provider);
  }
  return due;
}

/**
 * Runs the refresh command. Nothing else may use the credential at the same time: two CLIs that present the same
 * refresh token trigger the vendor's refresh-token reuse detection. A shutdown does not interrupt the refresh, since
 * the vendor's response would be lost. Its deadline is short.
 */
export async function refreshCredential(runtime: CliRuntime, entry: CliMachine, provider: string): Promise<void> {
  const { running } = entry;
  const { manifest } = runtime.registry.get(provider);
  const { refresh } = manifest.commands;
  const version = (await runtime.store.machines.get(running.id))?.injected[provider];
  if (!refresh || version === undefined) return;
  const tooLong = (): SallyportError =>
    new SallyportError('AGENT_UNREACHABLE', 'The refresh of a login did not finish in time.');
  using deadline = runtime.clock.deadline(REFRESH_MS + GRACE_MS, tooLong);
  const outcome = await runRefresh(running.agent, manifest, {
    signal: deadline.signal,
    pinnedInWork: pinnedInWork(runtime.registry, provider),
  });
  if (outcome === 'not-logged-in') await runtime.custody.refused(entry, provider);
  else if (outcome !== 'ok')
    throw new SallyportError(
      'PROMPT_FAILED',
      `${manifest.title} did not refresh its login. Sallyport will try again later.`,
    );
}
