import type { Question } from '../provider/question.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import { matchText } from '../provider/matcher.ts';
import type { LoginState, LoginStep } from './state.ts';
import { refusedLink } from './link-search.ts';
import type { LoginAction } from './observation.ts';
import { quotable, screenExcerpt } from './screen-text.ts';

/** How a login can end other than well, and what is said then. */

type Failure = Extract<LoginAction, { type: 'fail' }>;

/** Asked when most of the time is over: a closed laptop must not keep a machine running. */
export const stillThereQuestion: Question = {
  id: 'still_there',
  label: 'Are you still there? The sign-in ends soon.',
  kind: 'choice',
  secret: false,
  choices: [{ label: 'I am still here', send: 'yes' }],
};

/** Share of the time after which the user is asked. */
const ASK_AT = 0.8;

/** Longer than a CLI is at a loss for words on a slow machine. */
const STILL_MS = 2 * 60_000;

/** Longer than a vendor takes to redeem a code. */
const IGNORED_MS = 30_000;

/** Long enough for a CLI to start and to paint; a user who sees nothing longer than this wonders. */
const SHOW_AFTER_MS = 10_000;

/** The first failure rule that the screen matches. */
export function failureOnScreen(method: LoginMethod, text: string): Failure | undefined {
  const rule = method.failure.find(({ when }) => matchText(when, text) !== undefined);
  return rule && { type: 'fail', code: rule.code, message: rule.message };
}

export function crashed(
  state: LoginState,
  exit: { readonly code: number | null; readonly signal: string | null },
): Failure {
  const how = exit.signal === null ? `ended with exit code ${exit.code}` : `was ended by ${exit.signal}`;
  const message = `The CLI ${how} before the login was complete.${lastScreen(state)}`;
  return { type: 'fail', code: 'LOGIN_CLI_CRASHED', message };
}

/** The CLI claims success, and its file says otherwise. */
export function incomplete(problem: string): Failure {
  const message = `The CLI said that the login is complete, but its credential is not: ${problem}`;
  return { type: 'fail', code: 'CREDENTIAL_INCOMPLETE', message };
}

/** The CLI answered a request of ours with an error for which the manifest has no rule. */
export function errorReply(facts: readonly string[], reason: string): Failure {
  const [source = ''] = facts;
  return {
    type: 'fail',
    code: 'LOGIN_FAILED',
    message: `The CLI answered with an error (${source}): ${quotable(reason)}`,
  };
}

/** A request that got no answer in its time. */
export function unanswered(state: LoginState, method: string): Failure {
  const message = `The CLI did not answer the request ${method} in time.${lastScreen(state)}`;
  return { type: 'fail', code: 'LOGIN_FAILED', message };
}

/** What the time that has passed demands: the question whether the user is still there, the end, or nothing. */
export function deadline(state: LoginState): 'ask' | Failure | undefined {
  const { elapsedMs, deadlineMs, stillThere } = state;
  if (elapsedMs >= deadlineMs) {
    return refused(state) ?? (stillThere === 'asked' ? abandoned(state) : timedOut(state));
  }
  // Before there is a link or a question, nobody has been asked to do anything.
  const waitsForUser = state.phase === 'running' && (state.announced !== undefined || state.open.length > 0);
  return stillThere === 'not-asked' && waitsForUser && elapsedMs >= deadlineMs * ASK_AT ? 'ask' : undefined;
}

/**
 * The CLI shows something, does nothing, and no rule says what to do about it, or that the user should: a release
 * that asks something new. More time would not help.
 */
export function drifted(state: LoginState): Failure | undefined {
  const { method, phase, announced, open, failingSinceMs } = state;
  const isUsersTurn = announced !== undefined || open.length > 0;
  if (method.drive.kind !== 'terminal' || phase !== 'running' || isUsersTurn || hasAnswered(state)) return undefined;
  const excerpt = screenExcerpt(state.screen);
  if (excerpt === '' || failingSinceMs !== undefined) return undefined;
  const stillMs = state.elapsedMs - state.stillSinceMs;
  if (stillMs < STILL_MS) return undefined;
  const { fired } = state;
  const soFar = fired.length === 0 ? '' : ` after the steps ${fired.join(', ')}`;
  const message = `The CLI has shown the same for ${Math.round(stillMs / 1000)} s${soFar}, and no rule of the login method ${method.id} knows it.${lastScreen(state)}`;
  return refused(state) ?? { type: 'fail', code: 'LOGIN_DRIFT', message };
}

/** Shows the user a screen that stands still while the CLI should be doing something, once. */
export function showStillScreen(state: LoginState): LoginStep {
  const { method, announced, answered, open, changes, screenShown } = state;
  const isUsersTurn = open.length > 0 || (announced !== undefined && answered === undefined);
  const isStill = state.elapsedMs - Math.max(state.stillSinceMs, answered?.sinceMs ?? 0) >= SHOW_AFTER_MS;
  const text = screenExcerpt(state.screen);
  if (method.drive.kind !== 'terminal' || isUsersTurn || !isStill || text === '' || screenShown === changes)
    return { state, actions: [] };
  return { state: { ...state, screenShown: changes }, actions: [{ type: 'show-screen', text }] };
}

/** The CLI has the code of the user and does nothing: some wait in silence where the code is wrong. */
export function ignored(state: LoginState): Failure | undefined {
  const { answered, phase, open, method, failingSinceMs } = state;
  if (!answered || phase !== 'running' || open.length > 0 || failingSinceMs !== undefined) return undefined;
  const step = method.drive.steps.find(({ id }) => id === answered.step);
  if (step?.do.kind !== 'ask' || step.do.prompt.kind !== 'code') return undefined;
  const quietMs = state.elapsedMs - Math.max(state.stillSinceMs, answered.sinceMs);
  if (quietMs < IGNORED_MS) return undefined;
  const message = `The CLI has not reacted to the code for ${Math.round(quietMs / 1000)} s. Start the sign-in again, and paste all of the code that the page shows.${lastScreen(state)}`;
  return { type: 'fail', code: 'LOGIN_FAILED', message };
}

/**
 * Not before the time is over: a CLI may print links to its documentation first, and its sign-in link later. But
 * where nothing better came, the refused link is what the user has to know of.
 */
function refused(state: LoginState): Failure | undefined {
  const reason =
    state.phase === 'running' && !state.announced
      ? refusedLink(state.method, state.screen, state.listeningPort)
      : undefined;
  if (reason === undefined) return undefined;
  const message = `The CLI showed no sign-in page of this provider within ${Math.round(state.elapsedMs / 1000)} s. The link it did show was refused: ${reason}.`;
  return { type: 'fail', code: 'LOGIN_URL_REFUSED', message };
}

function abandoned(state: LoginState): Failure {
  const message = `Nobody finished the sign-in within ${seconds(state)}, and nobody answered when asked whether to keep waiting.`;
  return { type: 'fail', code: 'LOGIN_ABANDONED', message };
}

function timedOut(state: LoginState): Failure {
  const message = `The sign-in timed out after ${seconds(state)} while ${waitingFor(state)}.${lastScreen(state)}`;
  return { type: 'fail', code: 'LOGIN_TIMED_OUT', message };
}

function seconds(state: LoginState): string {
  return `${Math.round(state.deadlineMs / 1000)} s`;
}

function waitingFor(state: LoginState): string {
  if (state.phase === 'capturing') return 'reading the credential';
  if (state.open.length > 0) return 'waiting for an answer of the user';
  if (hasAnswered(state)) return 'waiting for the CLI to go on after an answer';
  if (state.announced) return 'waiting for the browser';
  return state.screen.lines.length > 0 ? 'waiting for the sign-in link' : 'waiting for the CLI to show anything';
}

/** Whether the CLI has an answer to each of its questions. */
function hasAnswered({ method, fired }: LoginState): boolean {
  return method.drive.steps.some((item) => item.do.kind === 'ask' && fired.includes(item.id));
}

function lastScreen(state: LoginState): string {
  const excerpt = screenExcerpt(state.screen);
  return excerpt === '' ? '' : ` The last screen said: '${excerpt}'.`;
}
