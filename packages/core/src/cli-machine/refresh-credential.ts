import { invalidateCredential } from './invalidate-credential.ts';
import { refreshTime } from '../credentials/refresh-policy.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { REFRESH_MS, runRefresh } from './run-refresh.ts';

/**
 * Keeps logins alive on a machine that runs, where the provider's CLI has a command for it that asks no model anything.
 * The new version comes back as every rotation does: the agent offers it until it is stored, and the disk has it.
 */

/** The agent ends it in time; only where it does not is the stream given up. */
const GRACE_MS = 5_000;

/** Providers of this machine whose login is due. Only what the machine holds by its lease, and what works. */
export async function dueRefreshes(
  runtime: Runtime,
  { userId, running, withheld }: CliMachine,
): Promise<readonly string[]> {
  const { registry, gate, store, clock, settings } = runtime;
  const injected = (await store.machines.get(running.id))?.injected ?? {};
  const due: string[] = [];
  for (const credential of await store.credentials.list(userId)) {
    const { provider, version, valid } = credential;
    if (!valid || injected[provider] !== version || withheld.has(provider) || !registry.has(provider)) continue;
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
 * Runs the command. Nothing else may use the login meanwhile: two CLIs that present the same refresh token are to the
 * vendor a thief and its owner. It is not interrupted when the server closes, since what the vendor has answered then
 * would be lost; the time it may take is short.
 */
export async function refreshCredential(
  runtime: Runtime,
  { userId, running }: CliMachine,
  provider: string,
): Promise<void> {
  const { manifest } = runtime.registry.get(provider);
  const { refresh } = manifest.commands;
  const version = (await runtime.store.machines.get(running.id))?.injected[provider];
  if (!refresh || version === undefined) return;
  const tooLong = (): SallyportError => new SallyportError('AGENT_UNREACHABLE', 'The refresh of a login did not end.');
  using deadline = runtime.clock.deadline(REFRESH_MS + GRACE_MS, tooLong);
  const outcome = await runRefresh(running.agent, manifest, deadline.signal);
  if (outcome === 'not-logged-in')
    await invalidateCredential(runtime, { userId, provider, reason: 'refused', version });
  else if (outcome !== 'ok')
    throw new SallyportError('PROMPT_FAILED', `${manifest.title} did not refresh its login; it is tried again later.`);
}
