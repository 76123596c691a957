import { SallyportError } from '@sallyport/core';
import { checkCallback } from '@sallyport/core/engine';
import type { StartLoginResponse } from '@sallyport/core/protocol';

import { cliCommand } from '../cli/cli-command.ts';
import { deliverCallback } from './callback-relay.ts';
import { openLoginSession, runLoginSession } from './login-session.ts';
import type { LoginCommand, LoginSession, LoginSessionOptions } from './login-session.ts';

/** Runs logins, one at a time: they share the machine's callback ports and its browser. */
export interface LoginRunner {
  /** Answers when the link or code is known, or the user has been asked something; rejects when the login fails first. */
  start(provider: string, command: LoginCommand, signal: AbortSignal): Promise<StartLoginResponse>;
  answer(provider: string, answer: { sessionId: string; promptId: string; value: string }): void;
  /** Returns when nothing of the login runs any more. */
  cancel(provider: string, sessionId: string): Promise<void>;
  /** Hands a callback to the CLI. Throws LOGIN_CALLBACK_REFUSED where it does not belong to this login. */
  callback(query: URLSearchParams, signal: AbortSignal): Promise<void>;
  status(sessionId: string): { readonly authenticated: boolean; readonly path: string | null };
  readonly active: number;
  close(): Promise<void>;
}

export function createLoginRunner(options: LoginSessionOptions): LoginRunner {
  const { boot, clock, log, redactor } = options;
  let session: LoginSession | undefined;
  let finished: Promise<unknown> = Promise.resolve();

  const running = (provider: string, sessionId: string): LoginSession => {
    if (session?.sessionId !== sessionId || session.provider !== provider) {
      throw new SallyportError('LOGIN_SESSION_UNKNOWN', `This machine runs no login session ${sessionId}.`);
    }
    if (session.over) throw new SallyportError('LOGIN_SESSION_OVER', `The login session ${sessionId} has ended.`);
    return session;
  };

  /** The vendor may be slow to redeem the code. The user has done their part and need not wait for that. */
  async function withPatience(taken: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const answered = new AbortController();
    const patience = clock.sleep(ANSWER_MS, AbortSignal.any([signal, answered.signal])).catch(() => undefined);
    try {
      return await Promise.race([taken, patience.then(() => true)]);
    } finally {
      answered.abort();
    }
  }

  return {
    get active() {
      return session && !session.over ? 1 : 0;
    },
    start: async (provider, command, signal) => {
      if (session && !session.over) {
        throw new SallyportError('LOGIN_IN_PROGRESS', `This machine is busy with the login to ${session.provider}.`, {
          details: { sessionId: session.sessionId },
        });
      }
      const program = cliCommand(boot.clis, provider, command.cli, command.method.drive.argv);
      const mine = openLoginSession(provider, command, boot.role);
      session = mine;
      // The caller cannot know that the login runs, unless the answer reached them.
      signal.addEventListener('abort', () => mine.abort.abort(), { once: true });
      if (signal.aborted) mine.abort.abort();
      finished = runLoginSession(mine, program, command, options);
      return mine.answered;
    },
    answer: (provider, { sessionId, promptId, value }) => {
      const current = running(provider, sessionId);
      const prompt = current.prompts.get(promptId);
      if (!prompt) throw new SallyportError('LOGIN_ANSWER_UNEXPECTED', `The CLI is not asking for "${promptId}" now.`);
      if (prompt.secret || prompt.kind === 'code') redactor.add(value);
      current.answers.set(promptId, value);
      if (current.run?.observe({ type: 'answer', promptId, value }) !== true) {
        current.answers.delete(promptId);
        throw new SallyportError('LOGIN_ANSWER_UNEXPECTED', `That is not an answer to "${prompt.label}".`, {
          hint: prompt.example ?? 'Send one of the choices, or a text that is not empty.',
        });
      }
      current.prompts.delete(promptId);
    },
    cancel: async (provider, sessionId) => {
      running(provider, sessionId).abort.abort();
      await finished;
    },
    callback: async (query, signal) => {
      const { url, run } = session && !session.over ? session : {};
      if (!session || !run || !url?.callback) throw callbackRefused('no login waits for one');
      const expected = { state: url.state, path: url.callback.path, used: session.callbackUsed };
      const verdict = checkCallback(query, expected);
      if (!verdict.ok) throw callbackRefused(verdict.reason);
      session.callbackUsed = true;
      redactor.add(query.get('code') ?? '');
      const { sessionId, abort } = session;
      const tell = (ok: boolean): void => {
        run.observe({ type: 'callback', ok, ...(ok && verdict.outcome === 'error' && { error: verdict.error }) });
        log.publish({ type: 'login.callback', sessionId, ok });
      };
      tell(true);
      const { port } = url.callback;
      const taken = deliverCallback({ port, target: verdict.target, signal: abort.signal }).then((ok) => {
        // Where the page sent an error, a CLI may well answer with one: there is nothing else for it to take.
        if (ok || verdict.outcome === 'error') return true;
        tell(false);
        return false;
      });
      if (!(await withPatience(taken, signal))) throw callbackRefused('the CLI did not take it');
    },
    status: (sessionId) => {
      if (session?.sessionId !== sessionId) {
        throw new SallyportError('LOGIN_SESSION_UNKNOWN', `This machine runs no login session ${sessionId}.`);
      }
      return { authenticated: session.authenticated, path: session.path };
    },
    close: async () => {
      session?.abort.abort();
      await finished;
    },
  };
}

/** How long the page that the user came back to waits to learn whether the CLI took the callback. */
const ANSWER_MS = 5_000;

function callbackRefused(why: string): SallyportError {
  return new SallyportError('LOGIN_CALLBACK_REFUSED', `The sign-in callback was refused: ${why}.`);
}
