import type { Runtime } from '../runtime/runtime.ts';
import type { InvalidReason } from '../contracts/credential-files.ts';

export interface EndedLogin {
  readonly userId: string;
  readonly provider: string;
  readonly reason: InvalidReason;
  /** Only if this is still the current one: the user may have logged in again meanwhile. */
  readonly version?: number;
}

/** The stored login cannot be used any more: the user has to log in again, and is told so once. */
export async function invalidateCredential(
  runtime: Runtime,
  { userId, provider, reason, version }: EndedLogin,
): Promise<void> {
  if (!(await runtime.ledger.markInvalid(userId, provider, reason, version))) return;
  runtime.emit({ type: 'credential.invalid', userId, provider, reason });
}
