import { SallyportError } from '../base/errors.ts';
import { invalidReasons } from '../contracts/credential-files.ts';
import type { InvalidReason } from '../contracts/credential-files.ts';

/** Thrown wherever a login that has ended is asked for. */
export function loginNeeded(title: string, reason: InvalidReason | null): SallyportError {
  return new SallyportError('CREDENTIAL_INVALID', `${title} needs a new login. ${invalidReasons[reason ?? 'refused']}`);
}
