import { SallyportError } from '../base/errors.ts';

/** What one user, and all users of this server, may have under way at a time. The next one is refused with 429. */
export interface Limits {
  /** Logins of one user. Default 8. */
  readonly loginsPerUser: number;
  /** Logins of all users. Default 500. */
  readonly logins: number;
  /** Prompts that wait for one user's machine. Default 4. */
  readonly waitingPrompts: number;
  /** Prompts of all users that run or wait. Default 2000. */
  readonly prompts: number;
}

const RETRY_AFTER_S = 5;

/** Throws `LIMIT_REACHED` where there are as many as there may be. */
export function checkLimit(what: string, count: number, most: number, retryAfterSeconds = RETRY_AFTER_S): void {
  if (count < most) return;
  throw new SallyportError('LIMIT_REACHED', `There are ${count} ${what} already, which is the limit.`, {
    details: { retryAfterSeconds },
  });
}
