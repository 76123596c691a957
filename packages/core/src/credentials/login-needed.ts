import { SallyportError } from '../errors.ts';
import { invalidReasons } from './files.ts';
import type { InvalidReason } from './files.ts';

/** Thrown wherever a login that has ended is asked for. */
export function loginNeeded(title: string, reason: InvalidReason | null): SallyportError {
  return new SallyportError('CREDENTIAL_INVALID', `${title} needs a new login. ${invalidReasons[reason ?? 'refused']}`);
}
