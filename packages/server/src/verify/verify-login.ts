import { SallyportError } from '@sallyport/core';
import { methodName } from '@sallyport/core/engine';
import type { MethodChoice, FakeVendorSignIn, LoginEvent } from '@sallyport/core';

import type { Verification } from './verification.ts';

/**
 * What a login ends with when its CLI has shown something that no rule of its method knows, and not when the vendor
 * or the user has decided so.
 */
const UNRULED = [
  'LOGIN_DRIFT',
  'LOGIN_TIMED_OUT',
  'LOGIN_ABANDONED',
  'LOGIN_CLI_CRASHED',
  'LOGIN_URL_REFUSED',
  'CREDENTIAL_INCOMPLETE',
];

/** Logs a user in by one method, from the request to the stored credential. Rejects with what went wrong. */
export async function verifyLogin(
  verification: Verification,
  way: MethodChoice,
  userId: string,
  signal: AbortSignal,
): Promise<void> {
  const { app, provider } = verification;
  const { sessionId } = await app.logins.start({
    userId,
    externalId: null,
    provider: provider.manifest.id,
    method: methodName(way),
  });
  const person = createPerson(verification, sessionId, way);
  // Every login has a shorter deadline. This one is for a login that waits for the user instead.
  using deadline = verification.clock.deadline(LONGEST_LOGIN_MS, unanswered, signal);
  try {
    for await (const { event } of app.logins.events(sessionId, 0, deadline.signal)) await person.see(event);
  } catch (error) {
    await app.logins.cancel(sessionId).catch(() => undefined);
    throw error;
  }
  const { status, errorCode, errorMessage } = await app.logins.get(sessionId);
  const screen = verification.screenOf(sessionId);
  if (status === 'completed' && screen === undefined) return;
  const details = { ...(screen !== undefined && { screen }) };
  if (status === 'completed' || UNRULED.includes(errorCode ?? '')) {
    const { title, cli } = provider.manifest;
    const what = errorMessage ?? 'It has logged in, and said so in words that no rule knows.';
    throw new SallyportError(
      'LOGIN_DRIFT',
      `What ${title} ${cli.version} showed matches no rule of its login method ${way.method.id}: ${what}`,
      { details },
    );
  }
  throw new SallyportError('LOGIN_FAILED', `${errorCode ?? status}: ${errorMessage ?? 'no reason was given.'}`, {
    details,
  });
}

const LONGEST_LOGIN_MS = 5 * 60_000;

function unanswered(): SallyportError {
  return new SallyportError('LOGIN_TIMED_OUT', 'The login waited for something that the fake user was not told.');
}

/** Reads what the server's page would show, and does it. */
function createPerson(
  { app, vendor }: Verification,
  sessionId: string,
  way: MethodChoice,
): { see(event: LoginEvent): Promise<void> } {
  const asked = new Set<string>();
  let visited: FakeVendorSignIn | undefined;

  async function answer(): Promise<void> {
    for (const promptId of asked) {
      const value = (await vendor.answer(promptId)) ?? visited?.code;
      if (value === undefined && way.needs.includes('key')) throw nobodyKnows(promptId);
      // A code is asked for before the link to it is known, sometimes.
      if (value === undefined) continue;
      asked.delete(promptId);
      await app.logins.answer(sessionId, promptId, value);
    }
  }

  return {
    see: async (event) => {
      if (event.type === 'prompt') asked.add(event.data.promptId);
      if (event.type === 'url') {
        const { url, userCode } = event.data;
        visited = await vendor.signIn({ url, userCode: userCode ?? undefined });
        const live = app.logins.live(sessionId);
        if (visited.callback && live) await live.agent?.callback(visited.callback.searchParams, live.abort.signal);
      }
      await answer();
    },
  };
}

function nobodyKnows(promptId: string): SallyportError {
  return new SallyportError('CONFIG_INVALID', `The fake vendor has no answer to the prompt ${promptId}.`, {
    hint: 'Give it one in the `answers` of its fake vendor.',
  });
}
