import type { CustodyParts } from './parts.ts';
import type { InvalidReason } from '../contracts/credential-files.ts';

export interface EndedLogin {
  readonly userId: string;
  readonly provider: string;
  readonly reason: InvalidReason;
  /** Only if this version is still current: the user may have logged in again. */
  readonly version?: number;
}

/** Marks a stored credential as unusable and tells the user once that they have to log in again. */
export async function invalidateCredential(
  parts: CustodyParts,
  { userId, provider, reason, version }: EndedLogin,
): Promise<void> {
  const { audit, announce } = parts.noteEvent({ type: 'credential.invalid', userId, provider, reason });
  if (await parts.ledger.markInvalid({ userId, provider, reason, version, audit })) announce();
}
