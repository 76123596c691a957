import type { AttemptRequest, Attempt } from './attempt-context.ts';
import type { CredentialFiles } from '../contracts/credential-files.ts';
import { errorCodes, SallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import { screenExcerpt } from '../login-engine/screen-text.ts';
import { orAborted } from '../base/serial-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { answerOrAsk } from './ask.ts';
import { boundSession } from './bound-session.ts';
import { presentUrl } from './present-url.ts';

export interface CapturedLogin {
  readonly files: CredentialFiles;
  /** Tells the agent that the credential is stored. */
  acknowledge(): Promise<void>;
}

/** The agent keeps the method's own deadline; this is for one that has stopped doing so. */
const AGENT_GRACE_MS = 30_000;
/** The agent offers the credential before it says that the login is finished. */
const OFFER_GRACE_MS = 10_000;
/** Times that a login machine gets to say that its CLI stands still. Each is stored. */
const MOST_STILL = 5;
/** Problems with the credential file that a login machine gets to tell. Each is stored. */
const MOST_PROBLEMS = 10;

/**
 * Drives one login through the agent of a browser machine, from the CLI's start to the captured credential.
 * Everything the agent says is a hint from inside a machine that may be hostile: links are guarded again, only
 * declared questions are asked, and whatever it leaves out, the attempt ends.
 */
export async function attemptLogin(runtime: Runtime, request: AttemptRequest): Promise<CapturedLogin> {
  const { session, agent, manifest, method } = request;
  const over = new AbortController();
  const deadline = runtime.clock.deadline(
    method.timeoutMs + AGENT_GRACE_MS,
    () =>
      new SallyportError(
        'LOGIN_TIMED_OUT',
        `The login machine did not end the sign-in within ${method.timeoutMs / 1000} s.`,
      ),
    AbortSignal.any([request.signal, over.signal]),
  );
  const { signal } = deadline;
  try {
    const captured = followLogin(runtime, { ...request, session: boundSession(signal, session), signal }, over);
    // Answered when the link is known; by then the events have told the same, so only a failure matters.
    const started = agent.startLogin(
      manifest.id,
      {
        sessionId: session.sessionId,
        method,
        cli: manifest.cli,
        credentials: manifest.credentials,
        occupyPorts: [...request.reception.occupied],
      },
      signal,
    );
    return await orAborted(signal, Promise.race([captured, started.then(() => captured)]));
  } finally {
    deadline.clear();
    session.openQuestions.clear();
    session.showScreen(null);
    over.abort(new SallyportError('LOGIN_SESSION_OVER', 'This way of logging in is over.'));
  }
}

async function followLogin(runtime: Runtime, attempt: Attempt, over: AbortController): Promise<CapturedLogin> {
  const { session, agent, manifest, signal } = attempt;
  const problems = new Set<string>();
  let stillTold = 0;
  let presented: string | undefined;
  let isFinished = false;
  for await (const event of agent.events(signal)) {
    if ('sessionId' in event && event.sessionId !== session.sessionId) continue;
    // Whatever else the CLI does, it has gone on.
    if (event.type !== 'login.still') session.showScreen(null);
    switch (event.type) {
      case 'login.still':
        session.showScreen(screenExcerpt({ lines: event.screen.split('\n'), links: [] }));
        if (++stillTold > MOST_STILL) break;
        await session.note({
          type: 'notice',
          message: 'The CLI has not gone on for a while. Its last lines are below.',
        });
        break;
      case 'login.url': {
        const asked = JSON.stringify([event.url, event.userCode]);
        if (asked === presented) break;
        presented = asked;
        await presentUrl(runtime, attempt, event);
        break;
      }
      case 'login.prompt':
        await answerOrAsk(runtime, attempt, event);
        break;
      case 'login.callback':
        if (event.ok && session.phase !== 'callback-received') await session.advance('callback-received');
        break;
      case 'login.finished':
        if (isFinished) break;
        isFinished = true;
        void runtime.clock.sleep(OFFER_GRACE_MS, signal).then(
          () =>
            over.abort(
              new SallyportError(
                'CREDENTIAL_INCOMPLETE',
                'The CLI said that the login is complete, but no credential came from the login machine.',
              ),
            ),
          () => undefined,
        );
        break;
      case 'login.failed':
        throw new SallyportError(
          knownCode(event.code),
          event.message,
          event.screen ? { details: { screen: event.screen } } : {},
        );
      case 'desktop.failed':
        if (attempt.display === 'desktop') {
          throw new SallyportError('MACHINE_FAILED', `The login machine's desktop did not start: ${event.message}`);
        }
        break;
      case 'credential.rejected':
        if (event.provider !== manifest.id || problems.has(event.problem) || problems.size >= MOST_PROBLEMS) break;
        problems.add(event.problem);
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

/** A code from inside a machine counts only where it is one a login can fail with. */
function knownCode(code: string): ErrorCode {
  return isErrorCode(code) && /^(LOGIN|CREDENTIAL|PROVIDER_CLI)_/.test(code) ? code : 'LOGIN_FAILED';
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}
