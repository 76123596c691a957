import { toSallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { NewDomainEvent, Runtime } from './runtime.ts';

/**
 * Does what a user asked for, and reports it if it fails half-way. An error of the caller (a status below 500) is a refusal:
 * nothing happened. Success is reported by the work itself, where it takes effect.
 */
export async function recordFailure<Result>(
  runtime: Pick<Runtime, 'emit'>,
  failed: (code: ErrorCode) => NewDomainEvent | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, status } = toSallyportError(error, 'INTERNAL', 'Something went wrong inside the server.');
    const event = status >= 500 ? failed(code) : undefined;
    if (event) runtime.emit(event);
    throw error;
  }
}
