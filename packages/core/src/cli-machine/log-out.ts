import { forEachAtOnce } from '../base/for-each-at-once.ts';
import type { CliRuntime } from './cli-runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { pinnedInWork } from './pinned-in-work.ts';
import { runLogout } from './run-logout.ts';
import type { VendorRevoked } from './run-logout.ts';

/**
 * Logs users out at their vendors before their credentials are erased. Otherwise the tokens would stay alive there. It
 * is an attempt: whatever happens, the erasure goes on.
 */

/** CLIs that log out at the same time. An agent runs few commands at once. */
const AT_ONCE = 2;

/**
 * Providers that the user can be logged out from, all or one: those with a valid login and a command for it. A key or
 * token that does not rotate is not the CLI's to revoke.
 */
export async function revocableLogins(
  runtime: CliRuntime,
  userId: string,
  provider?: string,
): Promise<readonly string[]> {
  const { registry, gate, store } = runtime;
  const credentials = await store.credentials.list(userId);
  return credentials
    .filter(({ valid, facts }) => valid && facts.rotates !== false)
    .map((credential) => credential.provider)
    .filter((id) => provider === undefined || id === provider)
    .filter((id) => registry.has(id) && registry.get(id).manifest.commands.logout && !gate.closed(id));
}

/**
 * Runs the logout commands on a running machine, each at most once: the stored credential is marked invalid first,
 * because from then on it may be revoked. Nothing else may use the credentials at the same time.
 */
export async function logOut(
  runtime: CliRuntime,
  { userId, running, providers, withheld }: CliMachine,
  logins: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VendorRevoked>> {
  const outcomes = new Map<string, VendorRevoked>();
  const present = logins.filter((provider) => providers.has(provider) && !withheld.has(provider));
  await forEachAtOnce(present, AT_ONCE, async (provider) => {
    await runtime.bestEffort(`logging a user out from ${provider}`, async () => {
      signal.throwIfAborted();
      if (!(await runtime.custody.endForLogout(userId, provider))) return;
      const { registry } = runtime;
      const { manifest } = registry.get(provider);
      outcomes.set(
        provider,
        await runLogout(running.agent, manifest, { signal, pinnedInWork: pinnedInWork(registry, provider) }),
      );
    });
  });
  return outcomes;
}
