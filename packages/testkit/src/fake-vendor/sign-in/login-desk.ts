import { randomBytes } from 'node:crypto';

import type { AuthorizationRequest } from './authorization-request.ts';
import { createColourCode } from './colour-code.ts';

/** What a user logs in for: the link a CLI opened, or a device's user code. */
export type LoginPurpose =
  | { readonly kind: 'browser'; readonly request: AuthorizationRequest }
  | { readonly kind: 'device'; readonly userCode: string };

export type LoginOutcome = 'waiting' | 'approved' | 'denied' | 'too-many-tries';

/** One open login page. */
export interface Login {
  readonly id: string;
  readonly purpose: LoginPurpose;
  /** The machine whose egress loaded the page; no other may go on with it. */
  readonly machineId: string;
  /** The six symbols that are painted now; fresh after each wrong try. */
  readonly code: string;
  readonly wrongTries: number;
  /** Other machines that asked for this login's picture or tried to submit it. */
  readonly strangers: readonly string[];
  readonly outcome: LoginOutcome;
}

export interface LoginDesk {
  open(purpose: LoginPurpose, machineId: string): Login;
  /** The login, unless it is unknown or another machine's; the latter is recorded. */
  visit(id: string, machineId: string): Login | undefined;
  /** Checks the symbols a user typed. */
  enter(login: Login, typed: string): Login;
  end(login: Login, outcome: LoginOutcome): Login;
  all(): readonly Login[];
}

const mostTries = 5;

export function createLoginDesk(): LoginDesk {
  const logins = new Map<string, Login>();
  const put = (login: Login): Login => {
    logins.set(login.id, login);
    return login;
  };
  return {
    open: (purpose, machineId) =>
      put({
        id: randomBytes(12).toString('base64url'),
        purpose,
        machineId,
        code: createColourCode(),
        wrongTries: 0,
        strangers: [],
        outcome: 'waiting',
      }),
    visit(id, machineId) {
      const login = logins.get(id);
      if (!login || login.machineId === machineId) return login;
      put({ ...login, strangers: [...login.strangers, machineId] });
      return undefined;
    },
    enter(login, typed) {
      if (typed.trim().toUpperCase() === login.code) return put({ ...login, outcome: 'approved' });
      const wrongTries = login.wrongTries + 1;
      return put({
        ...login,
        wrongTries,
        code: createColourCode(),
        outcome: wrongTries >= mostTries ? 'too-many-tries' : 'waiting',
      });
    },
    end: (login, outcome) => put({ ...login, outcome }),
    all: () => [...logins.values()],
  };
}
