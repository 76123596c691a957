import type { SessionStatus } from '../contracts/login-event.ts';

/** Every phase of a login session, the status it belongs to, and what the user reads. */
export const loginPhases = {
  accepted: { status: 'pending', message: 'Preparing the login.' },
  'installing-cli': {
    status: 'pending',
    message: "Installing the provider's own command-line tool. This happens once.",
  },
  'waiting-for-port': {
    status: 'pending',
    message: 'Another login is using the same callback port. Yours starts as soon as it is done.',
  },
  'starting-machine': { status: 'pending', message: 'Starting a private machine for this login.' },
  'starting-login': { status: 'pending', message: "The provider's own tool is starting the login." },
  'opening-page': { status: 'ready', message: 'Opening the sign-in page.' },
  'awaiting-user': { status: 'awaiting_user_auth', message: "Sign in on the provider's page." },
  'callback-received': { status: 'awaiting_user_auth', message: 'Signed in. Waiting for the credential.' },
  storing: { status: 'awaiting_user_auth', message: 'Encrypting and storing the login.' },
  'cleaning-up': { status: 'awaiting_user_auth', message: 'Removing the login machine.' },
  completed: { status: 'completed', message: 'Connected.' },
  failed: { status: 'failed', message: 'The login failed.' },
  cancelled: { status: 'cancelled', message: 'The login was cancelled.' },
} as const satisfies Record<string, { readonly status: SessionStatus; readonly message: string }>;

export type LoginPhase = keyof typeof loginPhases;

/** A session in one of these has ended. */
export function isLastPhase(phase: LoginPhase): boolean {
  return phase === 'completed' || phase === 'failed' || phase === 'cancelled';
}
