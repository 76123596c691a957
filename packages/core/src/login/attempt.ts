import type { AgentClient } from '../agent/client.ts';
import type { CredentialFiles } from '../credentials/files.ts';
import { errorCodes, SallyportError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { Context } from '../hooks.ts';
import type { AgentEvent } from '../protocol/agent-api.ts';
import type { LoginMethod, ProviderManifest } from '../provider/manifest.ts';
import type { Runtime } from '../runtime.ts';
import type { LiveSession } from './session.ts';
import { guardUrl } from './url-guard.ts';

export interface AttemptRequest {
  readonly session: LiveSession;
  readonly agent: AgentClient;
  readonly manifest: ProviderManifest;
  readonly method: LoginMethod;
  readonly display: 'desktop' | 'local' | 'none';
  /** Callback ports the CLI must not choose. */
  readonly occupyPorts: readonly number[];
  readonly signal: AbortSignal;
}

export interface CapturedLogin {
  readonly files: CredentialFiles;
  /** Tells the agent that the credential is stored. */
  acknowledge(): Promise<void>;
}

/**
 * Drives one login through the agent of a browser machine, from the CLI's start to the captured credential.
 * Everything the agent says is a hint from inside a machine that may be hostile: links are guarded again.
 */
export async function attemptLogin(runtime: Runtime, request: AttemptRequest): Promise<CapturedLogin> {
  const { session, agent, manifest, method, signal } = request;
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  try {
    const captured = followLogin(runtime, { ...request, signal: both });
    // Answered when the link is known; by then the events have told the same, so only a failure matters.
    const started = agent.startLogin(
      manifest.id,
      { sessionId: session.sessionId, method, cli: manifest.cli, credentials: manifest.credentials, occupyPorts: [...request.occupyPorts] },
      both,
    );
    return await Promise.race([captured, started.then(() => captured)]);
  } finally {
    over.abort();
  }
}

async function followLogin(runtime: Runtime, request: AttemptRequest): Promise<CapturedLogin> {
  const { session, agent, manifest } = request;
  for await (const event of agent.events(request.signal)) {
    if ('sessionId' in event && event.sessionId !== session.sessionId) continue;
    switch (event.type) {
      case 'login.url':
        await presentUrl(runtime, request, event);
        break;
      case 'login.prompt':
        await answerOrAsk(runtime, request, event);
        break;
      case 'login.callback':
        if (event.ok) await session.advance('callback-received');
        break;
      case 'login.failed':
        throw new SallyportError(knownCode(event.code), event.message, event.screen ? { details: { screen: event.screen } } : {});
      case 'desktop.failed':
        if (request.display === 'desktop') throw new SallyportError('MACHINE_FAILED', `The login machine's desktop did not start: ${event.message}`);
        break;
      case 'credential.rejected':
        await session.note({ type: 'notice', message: `The credential file was not accepted yet: ${event.problem}` });
        break;
      case 'credential.offered':
        if (event.provider !== manifest.id) break;
        return { files: event.files, acknowledge: () => agent.acknowledge(event.offerId) };
      default:
        break;
    }
  }
  throw new SallyportError('MACHINE_FAILED', 'The login machine ended before the login was complete.');
}

async function presentUrl(runtime: Runtime, request: AttemptRequest, event: Extract<AgentEvent, { type: 'login.url' }>): Promise<void> {
  const { session, method, display, agent } = request;
  const verdict = method.url && guardUrl(event.url, method.url, method.callback);
  if (!verdict?.ok) {
    throw new SallyportError('LOGIN_URL_REFUSED', `The CLI's link was refused: ${verdict?.reason ?? 'this method has none'}.`);
  }
  const decision = (await runtime.hooks.loginUrl(verdict.url, contextOf(request))) ?? (display === 'desktop' ? 'browser' : 'show');
  if (decision === 'refuse') throw new SallyportError('LOGIN_URL_REFUSED', 'A policy of this deployment refused the sign-in link.');
  if (decision === 'browser') {
    await session.advance('opening-page');
    await agent.openPage(verdict.url.href);
    await session.advance('awaiting-user', { message: 'Sign in on the provider\'s page, in the window below.' });
    return;
  }
  const shown = runtime.settings.presentUrl(verdict.url.href);
  const userCode = event.userCode ?? null;
  await session.note(
    { type: 'url', message: userCode ? 'Open the page and type the code.' : 'Open the sign-in page.', data: { url: shown, userCode } },
    { authUrl: shown, userCode },
  );
  await session.advance('awaiting-user');
}

async function answerOrAsk(runtime: Runtime, request: AttemptRequest, event: Extract<AgentEvent, { type: 'login.prompt' }>): Promise<void> {
  const { session, agent, manifest, method } = request;
  const declared = method.drive.steps.flatMap((step) => (step.do.kind === 'ask' && step.do.prompt.id === event.promptId ? [step.do.prompt] : []))[0];
  const answer = declared && !declared.secret ? await runtime.hooks.loginPrompt(declared, contextOf(request)) : undefined;
  if (answer !== undefined) {
    await agent.answer(manifest.id, { sessionId: session.sessionId, promptId: event.promptId, value: answer });
    return;
  }
  session.openPrompt = event.promptId;
  const { promptId, label, kind, secret, choices } = event;
  await session.note({ type: 'prompt', message: label, data: { promptId, kind, secret, choices: choices ?? [] } });
}

function contextOf(request: AttemptRequest): Context {
  const { session, signal } = request;
  return { userId: session.userId, provider: session.provider, sessionId: session.sessionId, signal };
}

/** A code from inside a machine counts only where it is one a login can fail with. */
function knownCode(code: string): ErrorCode {
  const known = code in errorCodes && /^(LOGIN|CREDENTIAL|PROVIDER_CLI)_/.test(code);
  return known ? (code as ErrorCode) : 'LOGIN_FAILED';
}
