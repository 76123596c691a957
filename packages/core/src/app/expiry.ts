import type { Runtime } from '../runtime/runtime.ts';

/** Users are warned this long before they have to log in again. */
const WARNING_MS = 3 * 24 * 60 * 60_000;

/** Whether the credential expires soon. */
export function endsSoon(loginExpiresAt: number | undefined, now: number): boolean {
  return loginExpiresAt !== undefined && loginExpiresAt < now + WARNING_MS;
}

/** Reports each credential that expires soon, exactly once, even across restarts. */
export async function warnOfExpiry(runtime: Runtime): Promise<void> {
  const { clock, store } = runtime;
  for (const { userId, provider, facts } of await store.credentials.endingBefore(clock.now() + WARNING_MS)) {
    const { loginExpiresAt } = facts;
    if (loginExpiresAt === undefined) continue;
    if (!(await store.credentials.noteWarning(userId, provider, loginExpiresAt))) continue;
    runtime.emit({ type: 'credential.expiring', userId, provider, loginExpiresAt });
  }
}
