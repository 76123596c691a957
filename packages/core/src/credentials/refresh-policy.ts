import { digest } from '../base/digest.ts';
import type { RefreshCommand } from '../provider/refresh-command.ts';
import type { CredentialRecord } from '../contracts/store.ts';

const HOUR_MS = 60 * 60_000;

type Refreshable = Pick<CredentialRecord, 'userId' | 'provider' | 'version' | 'facts'>;

/**
 * When a login is to be refreshed, in milliseconds since the epoch; `undefined` where it does not say when it ends, and
 * for a key. It is up to twice as early as asked for, by a share of each version's own: logins that were made
 * together must not all come to the vendor at one moment.
 */
export function refreshTime(
  credential: Refreshable,
  refresh: Pick<RefreshCommand, 'afterHours'>,
  beforeMs: number,
): number | undefined {
  const { facts } = credential;
  if (facts.kind !== 'plan' || facts.blank || facts.rotates === false) return undefined;
  const { issuedAt, accessExpiresAt } = facts;
  const ends = [
    accessExpiresAt,
    issuedAt !== undefined && refresh.afterHours !== undefined ? issuedAt + refresh.afterHours * HOUR_MS : undefined,
  ].filter((end) => end !== undefined);
  if (ends.length === 0) return undefined;
  const end = Math.min(...ends);
  // A token that lives no longer than that would be refreshed all the time.
  const most = issuedAt === undefined ? Infinity : (end - issuedAt) / 2;
  return end - Math.min(beforeMs * (1 + shareOf(credential)), most);
}

/** From 0 to 1, the same each time it is asked. */
function shareOf({ userId, provider, version }: Refreshable): number {
  const bytes = Buffer.from(digest(JSON.stringify([userId, provider, version])));
  return bytes.reduce((share, byte) => (share * 31 + byte) % 1000, 0) / 1000;
}
