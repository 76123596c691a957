import { SallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import { isHostAllowed } from '../contracts/egress.ts';
import type { RefusalReason } from '../contracts/egress.ts';
import type { ProviderManifest } from '../provider/manifest.ts';

/** A CLI that cannot reach its vendor says "could not complete the sign-in", and not why. */

/** Whether a refused connection can be why a login fails: the provider needs the host, and the server did not get there. */
export function isConnectionTrouble(
  { egress }: Pick<ProviderManifest, 'egress'>,
  host: string,
  reason: RefusalReason,
): boolean {
  return reason !== 'not-allowed' && isHostAllowed(host, [...egress.cli, ...egress.signIn]);
}

/** How a login ends in which the CLI gets no answer from its vendor. */
const blamable: readonly ErrorCode[] = ['LOGIN_FAILED', 'LOGIN_TIMED_OUT', 'LOGIN_DRIFT', 'LOGIN_CLI_CRASHED'];

/** The error with a sentence about the connection in front. An ending that has another cause stays as it is. */
export function blameConnection(error: unknown, trouble: string): unknown {
  if (!SallyportError.isInstance(error) || !blamable.includes(error.code)) return error;
  const { code, message, hint, details } = error;
  return new SallyportError(code, `${trouble} ${message}`, { hint, details, cause: error });
}
