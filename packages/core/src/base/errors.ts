/**
 * Defines Sallyport's only error class and the table of its error codes.
 *
 * A message says what happened and to what; the hint says what to do next. `docs/errors.md` and the server's RFC 9457
 * problem bodies are generated from {@link errorCodes}.
 */

interface ErrorCodeFacts {
  /** HTTP status of the server's response (RFC 9110). */
  readonly status: number;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** What to do next. The code that throws can replace it. */
  readonly hint: string;
}

const facts = (status: number, retryable: boolean, hint: string): ErrorCodeFacts => ({ status, retryable, hint });

export const errorCodes = {
  CONFIG_INVALID: facts(500, false, 'Correct the named setting and start again.'),
  CONFIG_HOST_UNSUITABLE: facts(500, false, 'Run `sallyport doctor` to see what is missing on this host.'),
  CONFIG_DATA_DIR_BUSY: facts(500, false, 'Stop the other server, or set SALLYPORT_DATA_DIR to another directory.'),

  PLUGIN_FAILED: facts(500, false, 'Look at the named plugin; the cause is attached.'),
  PLUGIN_TIMED_OUT: facts(500, true, 'The named plugin did not finish before its deadline.'),

  PROVIDER_UNKNOWN: facts(404, false, 'List the providers with GET /api/providers.'),
  PROVIDER_DISABLED: facts(403, false, 'Ask the operator of this server.'),
  PROVIDER_MANIFEST_INVALID: facts(500, false, 'Correct the named field of the manifest.'),
  PROVIDER_CLI_MISSING: facts(503, true, 'The CLI is installed from npm on first use; see the cause.'),

  MACHINE_FAILED: facts(502, true, 'Start again; the machine has been cleaned up.'),
  MACHINE_TIMED_OUT: facts(504, true, 'Start again; see the last lines of the console in the details.'),
  MACHINE_CAPACITY: facts(429, true, 'This host is full. Try again after the number of seconds in Retry-After.'),
  MACHINE_UNKNOWN: facts(404, false, 'List the machines with GET /api/vms.'),
  MACHINE_BUSY: facts(409, true, 'Wait until the running operation has ended.'),
  MACHINE_ASLEEP: facts(409, true, 'The next prompt starts the machine.'),
  MACHINE_UNSUPPORTED: facts(501, false, 'This machine driver cannot do that; choose another driver.'),
  MACHINE_DISK_UNSAFE: facts(502, false, "The machine's disk was refused. Destroy the machine and log in again."),
  MACHINE_DISK_INTERRUPTED: facts(
    503,
    true,
    'Try again: the disk is as it was. If it happens again, check the kernel log for out-of-memory messages.',
  ),
  MACHINE_IMAGE_MISSING: facts(
    503,
    false,
    'Build it with `sallyport images build`; `sallyport images list` shows the images you have.',
  ),
  MACHINE_IMAGE_DAMAGED: facts(500, false, 'Remove its directory and run `sallyport images build` again.'),
  MACHINE_IMAGE_FAILED: facts(500, true, 'See the last lines that the builder printed.'),

  AGENT_UNREACHABLE: facts(502, true, 'The program inside the machine does not answer. Start again.'),
  AGENT_REFUSED: facts(502, false, 'The program inside the machine refused the request; see the details.'),

  EGRESS_FAILED: facts(502, true, 'The outgoing connection could not be opened. Nothing was sent.'),
  EGRESS_REFUSED: facts(403, false, "The host is not on this machine's allow-list."),

  LOGIN_METHOD_UNAVAILABLE: facts(422, false, 'Choose one of the methods in the details, or leave the method out.'),
  LOGIN_IN_PROGRESS: facts(409, true, 'Finish or cancel the running login session first.'),
  LOGIN_SESSION_UNKNOWN: facts(404, false, 'Start a new login session.'),
  LOGIN_SESSION_OVER: facts(409, false, 'This login session has ended. Start a new one.'),
  LOGIN_TIMED_OUT: facts(504, true, 'Start again, or choose another method.'),
  LOGIN_DENIED: facts(403, true, 'Start again and approve the sign-in.'),
  LOGIN_FAILED: facts(502, true, 'Start again, or choose another method.'),
  LOGIN_CLI_CRASHED: facts(502, true, 'The CLI ended before the login was complete. Start again.'),
  LOGIN_URL_REFUSED: facts(
    502,
    false,
    'Do not open that link. Choose another method, or ask the operator of this server.',
  ),
  LOGIN_PROMPT_REFUSED: facts(502, false, 'Choose another method, or ask the operator of this server.'),
  LOGIN_PORT_TAKEN: facts(409, true, 'Free the callback port on this host, or choose the device-code method.'),
  LOGIN_CALLBACK_REFUSED: facts(400, false, 'Open the sign-in link again and finish it there.'),
  LOGIN_ABANDONED: facts(408, true, 'Nobody finished the login. Start again when you are ready.'),
  LOGIN_DRIFT: facts(
    502,
    false,
    'Choose another method. If you operate this server, compare the screen with the rules of the login method.',
  ),
  LOGIN_CANCELLED: facts(409, true, 'Start again when you are ready.'),
  LOGIN_INTERRUPTED: facts(503, true, 'The server was restarted during this login. Start again.'),
  LOGIN_ANSWER_UNEXPECTED: facts(409, false, 'The CLI is not asking for that answer now.'),
  LOGIN_ANSWER_MALFORMED: facts(422, false, 'Copy all of it from the sign-in page, and answer again.'),

  CREDENTIAL_NOT_CONNECTED: facts(409, false, 'Connect the provider first.'),
  CREDENTIAL_INVALID: facts(409, false, 'The provider no longer accepts this login. Connect it again.'),
  CREDENTIAL_INCOMPLETE: facts(502, true, 'The CLI did not write a complete credential. Log in again.'),
  CREDENTIAL_TOO_LARGE: facts(413, false, 'A credential file may have at most 256 KiB. Log in again.'),
  CREDENTIAL_MALFORMED: facts(422, false, 'Copy all of it, and nothing else.'),
  CREDENTIAL_EXCLUDED: facts(409, false, 'Disconnect the other one first, or send `replace: true`.'),
  CREDENTIAL_STALE: facts(409, false, 'A newer version is stored. Read it and try again.'),
  CREDENTIAL_REFUSED: facts(403, false, 'A plugin refused this credential; see the message.'),
  CREDENTIAL_LEASED: facts(409, true, 'Another machine holds this credential. Stop it first.'),
  CREDENTIAL_ALTERED: facts(500, false, 'Find out who else can write to the database, then log in again.'),
  CREDENTIAL_UNREADABLE: facts(
    500,
    false,
    'The stored credential cannot be opened. Check the key ring, then log in again.',
  ),

  FILE_UNKNOWN: facts(404, false, 'List the files with GET /api/vms/:id/files.'),
  FILE_REFUSED: facts(422, false, 'Only regular files are read, and only directories listed.'),
  FILE_TOO_LARGE: facts(413, false, 'Have a prompt split or compress the file.'),

  PROMPT_TOO_LARGE: facts(413, false, 'Shorten the prompt, or put the text in a file.'),
  PROMPT_FAILED: facts(502, true, 'See the message of the CLI.'),
  PROMPT_UNKNOWN: facts(404, false, 'Send the prompt again.'),
  PROMPT_CANCELLED: facts(409, false, 'Send the prompt again when you are ready.'),

  STORE_UNAVAILABLE: facts(503, true, 'The database does not answer. Try again shortly.'),
  USER_ERASED: facts(410, false, 'Connect again as a new user.'),
  SERVER_RUNNING: facts(409, false, 'Stop the other server, or give this one its own data directory.'),
  SERVER_SUPERSEDED: facts(
    503,
    false,
    'Find out which server uses a copy of this data directory, and stop one of them.',
  ),
  STORE_CONFLICT: facts(409, true, 'The record was changed in the meantime. Read it and try again.'),

  CONNECT_LINK_GONE: facts(410, false, 'Go back to where the link came from, and start again there.'),

  ACCESS_DENIED: facts(403, false, 'Open the page that the server itself serves.'),
  ACCESS_UNAUTHENTICATED: facts(401, false, 'Send `Authorization: Bearer …` with an API key or a token of the user.'),
  ACCESS_TOKEN_REVOKED: facts(401, false, 'Have your backend make another user token.'),
  ACCESS_KEYS_UNAVAILABLE: facts(503, true, 'The sign-in service does not answer. Try again shortly.'),
  ACCESS_TICKET_INVALID: facts(401, true, 'Reload the page to get a new viewer ticket.'),
  REQUEST_INVALID: facts(400, false, 'Correct the named field.'),
  IDEMPOTENCY_KEY_REUSED: facts(422, false, 'Use a new Idempotency-Key for a different request.'),
  IDEMPOTENCY_KEY_IN_USE: facts(409, true, 'Send the request again when the first one has been answered.'),
  LIMIT_REACHED: facts(429, true, 'End one of them, or try again after the number of seconds in Retry-After.'),
  REQUEST_UNSUPPORTED_TYPE: facts(415, false, 'Send the body as application/json.'),
  REQUEST_TOO_LARGE: facts(413, false, 'Send a smaller body.'),
  NOT_FOUND: facts(404, false, 'See /openapi.json for the routes of this server.'),
  INTERNAL: facts(500, true, "Look for the request id in the server's log."),
} as const satisfies Record<string, ErrorCodeFacts>;

export type ErrorCode = keyof typeof errorCodes;

export interface SallyportErrorInit {
  /** Replaces the table's hint. */
  readonly hint?: string;
  /** Replaces the table's HTTP status. */
  readonly status?: number;
  /** Machine-readable facts. Never secrets: details are sent to the caller. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The underlying error, if any. Logged, never sent to the caller. */
  readonly cause?: unknown;
}

/** Unlike `instanceof`, works with two copies of this package in one process. */
const brand = Symbol.for('sallyport.error');

export class SallyportError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** HTTP status: the one of this code, unless the code that throws replaced it. */
  readonly status: number;

  constructor(code: ErrorCode, message: string, init: SallyportErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'SallyportError';
    this.code = code;
    this.hint = init.hint ?? errorCodes[code].hint;
    this.details = init.details ?? {};
    this.status = init.status ?? errorCodes[code].status;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  static isInstance(value: unknown): value is SallyportError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Wraps anything thrown in a {@link SallyportError}. Returns a SallyportError unchanged. */
export function toSallyportError(thrown: unknown, code: ErrorCode, message: string): SallyportError {
  return SallyportError.isInstance(thrown) ? thrown : new SallyportError(code, message, { cause: thrown });
}
