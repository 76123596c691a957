import { SallyportError } from '../base/errors.ts';
import type { AgentEvent } from '../protocol/agent-api.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Attempt } from './attempt-context.ts';
import { guardUrl } from '../login-engine/url-guard.ts';

/** Guards the CLI's sign-in link, asks the policy, and opens or shows it. */
export async function presentUrl(
  runtime: Runtime,
  attempt: Attempt,
  event: Extract<AgentEvent, { type: 'login.url' }>,
): Promise<void> {
  const { session, manifest, method, display, agent, reception, signal } = attempt;
  const verdict = method.url && guardUrl(event.url, method.url, method.callback);
  if (!verdict?.ok) {
    throw new SallyportError(
      'LOGIN_URL_REFUSED',
      `The CLI's link was refused: ${verdict?.reason ?? 'this method has none'}.`,
    );
  }
  const context = { userId: session.userId, provider: manifest.id, sessionId: session.sessionId, signal };
  const decision = (await runtime.hooks.loginUrl(verdict.url, context)) ?? (display === 'desktop' ? 'browser' : 'show');
  if (decision === 'refuse') {
    throw new SallyportError('LOGIN_URL_REFUSED', 'A policy of this deployment refused the sign-in link.');
  }
  if (decision === 'browser') {
    if (display !== 'desktop') throw withoutBrowser();
    await session.advance('opening-page');
    session.showPage(new URL(verdict.url.href).host);
    await agent.openPage(verdict.url.href);
    await session.advance('awaiting-user', { message: "Sign in on the provider's page, in the window below." });
    return;
  }
  // Before the link is shown: the user may be quick.
  if (verdict.url.callback) await reception.receiveAt(verdict.url.callback);
  const shown = runtime.settings.presentUrl(verdict.url.href);
  const userCode = event.userCode ?? null;
  const message = userCode === null ? 'Open the sign-in page.' : 'Open the page and type the code.';
  // From now on: the CLI has just been given it.
  const userCodeExpiresAt =
    userCode === null || method.userCodeMinutes === undefined
      ? null
      : new Date(runtime.clock.now() + method.userCodeMinutes * 60_000);
  await session.note(
    { type: 'url', message, data: { url: shown, userCode, expiresAt: userCodeExpiresAt?.toISOString() ?? null } },
    { authUrl: shown, userCode, userCodeExpiresAt },
  );
  await session.advance('awaiting-user');
}

/** Showing the link instead would be the opposite of what the policy asked for. */
function withoutBrowser(): SallyportError {
  const message =
    'A policy of this deployment wants the sign-in page opened in the login machine, which has no browser.';
  return new SallyportError('LOGIN_URL_REFUSED', message, { hint: 'Choose a login method with a desktop.' });
}
