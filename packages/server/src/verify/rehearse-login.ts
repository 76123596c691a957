import { SallyportError } from '@sallyport/core';
import type { LoginMethod, PracticeSignIn, SessionEvent } from '@sallyport/core';

import type { Rehearsal } from './rehearsal.ts';

/**
 * What a login ends with when its CLI has shown something that no rule of its method knows, and not when the vendor
 * or the person has decided so.
 */
const UNRULED = [
  'LOGIN_TIMED_OUT',
  'LOGIN_ABANDONED',
  'LOGIN_CLI_CRASHED',
  'LOGIN_URL_REFUSED',
  'CREDENTIAL_INCOMPLETE',
];

/** Logs a person in by one method, from the request to the stored credential. Rejects with what went wrong. */
export async function rehearseLogin(
  rehearsal: Rehearsal,
  method: LoginMethod,
  userId: string,
  signal: AbortSignal,
): Promise<void> {
  const { app, provider } = rehearsal;
  const { sessionId } = await app.logins.start({
    userId,
    externalId: null,
    provider: provider.manifest.id,
    method: method.kind === 'loopback-callback' ? `${method.id}:local` : method.id,
  });
  const person = createPerson(rehearsal, sessionId);
  try {
    for await (const { event } of app.logins.events(sessionId, 0, signal)) await person.see(event);
  } catch (error) {
    await app.logins.cancel(sessionId).catch(() => undefined);
    throw error;
  }
  const { status, errorCode, errorMessage } = await app.logins.get(sessionId);
  const screen = rehearsal.screenOf(sessionId);
  if (status === 'completed' && screen === undefined) return;
  const details = { ...(screen !== undefined && { screen }) };
  if (status === 'completed' || UNRULED.includes(errorCode ?? '')) {
    const { title, cli } = provider.manifest;
    const what = errorMessage ?? 'It has logged in, and said so in words of its own.';
    throw new SallyportError(
      'LOGIN_DRIFT',
      `What ${title} ${cli.version} showed matches no rule of its login method ${method.id}: ${what}`,
      { details },
    );
  }
  throw new SallyportError('LOGIN_FAILED', `${errorCode ?? status}: ${errorMessage ?? 'no reason was given.'}`, {
    details,
  });
}

/** Somebody who reads what the page of the server would show, and does it. */
function createPerson({ app, vendor }: Rehearsal, sessionId: string): { see(event: SessionEvent): Promise<void> } {
  const asked = new Set<string>();
  let visited: PracticeSignIn | undefined;

  async function answer(): Promise<void> {
    for (const promptId of asked) {
      const value = vendor.answer(promptId) ?? visited?.code;
      // A code is asked for before the link to it is known, sometimes.
      if (value === undefined) continue;
      asked.delete(promptId);
      await app.logins.answer(sessionId, promptId, value);
    }
  }

  return {
    see: async ({ type, data }) => {
      if (type === 'prompt') asked.add(String(data?.['promptId']));
      if (type === 'url') {
        const { url, userCode } = { ...data };
        visited = await vendor.signIn({
          url: String(url),
          userCode: typeof userCode === 'string' ? userCode : undefined,
        });
        const live = app.logins.live(sessionId);
        if (visited.callback && live) await live.agent?.callback(visited.callback.searchParams, live.abort.signal);
      }
      await answer();
    },
  };
}
