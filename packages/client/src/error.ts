import type { ServerErrorCode } from './api-schema.ts';
import type { Problem } from './api-types.ts';

/**
 * What can go wrong on the way. `UNREACHABLE`: the server did not answer, or its stream broke off too often. `UNEXPECTED_ANSWER`:
 * what answered is not a Sallyport server, such as the error page of a proxy.
 */
export type ClientErrorCode = 'UNREACHABLE' | 'UNEXPECTED_ANSWER';

/** Those of docs/errors.md, and those of this client. A newer server may send others. */
export type ErrorCode = ServerErrorCode | ClientErrorCode | (string & {});

/** Everything this client throws, except the reason of an aborted signal. */
export class SallyportError extends Error {
  readonly code: ErrorCode;
  /** What to do next. */
  readonly hint: string;
  /** HTTP status of the answer; 0 if there was none. */
  readonly status: number;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  /** Names the request in the server's log; empty if the server did not answer. */
  readonly requestId: string;

  constructor(problem: Partial<Problem> & { readonly code: ErrorCode }, options?: ErrorOptions) {
    super(problem.detail ?? problem.title ?? 'The server did not say what went wrong.', options);
    this.name = 'SallyportError';
    this.code = problem.code;
    this.hint = problem.hint ?? '';
    this.status = problem.status ?? 0;
    this.retryable = problem.retryable ?? false;
    this.details = problem.details ?? {};
    this.requestId = problem.requestId ?? '';
  }
}

export function unreachable(detail: string, cause: unknown): SallyportError {
  const hint = 'Check the connection and that the server is running, then try again.';
  return new SallyportError({ code: 'UNREACHABLE', detail, hint, retryable: true }, { cause });
}
