import type { ErrorCode } from '../base/errors.ts';
import type { LoginAction } from './observation.ts';
import type { LoginState } from './state.ts';

/**
 * What the sign-in page answers where it gives no code (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6). It says more
 * than the CLI does afterwards: Claude Code, for one, has the same words for a denial and for a vendor that is down.
 */

type Failure = Extract<LoginAction, { type: 'fail' }>;

/** Longer than a CLI takes to end once its callback has come without a code. */
const UNHEEDED_MS = 30_000;

/** Endings that an error of the page explains. In any other, the CLI or the machine failed for another reason. */
const explained: readonly ErrorCode[] = [
  'LOGIN_DENIED',
  'LOGIN_FAILED',
  'LOGIN_CLI_CRASHED',
  'LOGIN_CANCELLED',
  'LOGIN_DRIFT',
  'LOGIN_TIMED_OUT',
  'CREDENTIAL_INCOMPLETE',
];

/** The user's own "no". Everything else is a failure of the vendor or of the request, which the user did not choose. */
const denials = ['access_denied', 'consent_required'];

/** Errors that may be gone when the user tries again. */
const passing = ['server_error', 'temporarily_unavailable'];

export function rememberPageError(state: LoginState, error: string | undefined): LoginState {
  return error === undefined ? state : { ...state, pageError: { error, sinceMs: state.elapsedMs } };
}

/** The failure as the page explains it, where it has answered with an error. */
export function blamePage({ pageError }: LoginState, failure: Failure): Failure {
  if (!pageError || !explained.includes(failure.code)) return failure;
  const known = failureOf(pageError.error);
  // A rule of the manifest names the vendor, and may know the very refusal.
  return failure.code === 'LOGIN_DENIED' && known.code === failure.code ? failure : known;
}

/** The CLI goes on waiting although no code will come. */
export function unheeded({ pageError, phase, elapsedMs }: LoginState): Failure | undefined {
  if (!pageError || phase !== 'running' || elapsedMs - pageError.sinceMs < UNHEEDED_MS) return undefined;
  return failureOf(pageError.error);
}

function failureOf(error: string): Failure {
  if (denials.includes(error)) {
    return {
      type: 'fail',
      code: 'LOGIN_DENIED',
      message: 'The sign-in was refused on the sign-in page. Start again, and allow it there.',
    };
  }
  const name = /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
  const message = passing.includes(error)
    ? `The sign-in page is out of order${name}. Try again in a few minutes.`
    : `The sign-in page answered with an error${name}. Start again, or choose another method.`;
  return { type: 'fail', code: 'LOGIN_FAILED', message };
}
