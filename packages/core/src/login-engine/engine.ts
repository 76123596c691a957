import { blamePage, rememberPageError, unheeded } from './page-error.ts';
import type { LoginState, LoginStep } from './state.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import { matchText } from '../provider/matcher.ts';
import { receiveMessage, overdueRequest } from '../rpc/connection.ts';
import { linksOf } from '../rpc/facts.ts';
import {
  crashed,
  deadline,
  drifted,
  failureOnScreen,
  ignored,
  showStillScreen,
  errorReply,
  incomplete,
  stillThereQuestion,
  unanswered,
} from './endings.ts';
import { findLink, screenText } from './link-search.ts';
import type { FoundLink } from './link-search.ts';
import type { LoginAction, LoginObservation, ScreenView } from './observation.ts';
import { withLines } from './screen-text.ts';
import { openConnection, fireSteps, takeAnswer, afterTurn } from './steps.ts';
import { askAgain, rememberTyped, repeatTyped } from './repeat.ts';
import { guardUrl } from './url-guard.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';

/** How long the browser shim may take before a link on the screen is used: some CLIs print another one there. */
const SHIM_GRACE_MS = 1500;
/** How long an unfinished-looking link or a failure must stay before it counts: more output may complete it. */
const SETTLE_MS = 1000;
/** How long the credential may take to appear after the CLI has said that it is done. */
const CAPTURE_MS = 5000;
/** A CLI that keeps handing out new links is not shown more than this many. */
const MOST_ANNOUNCEMENTS = 5;

export function createLogin(method: LoginMethod): LoginState {
  return {
    method,
    phase: 'running',
    elapsedMs: 0,
    deadlineMs: method.timeoutMs,
    screen: { lines: [], links: [] },
    stillSinceMs: 0,
    changes: 0,
    screenShown: undefined,
    connection: undefined,
    fired: [],
    typed: undefined,
    open: [],
    answered: undefined,
    listeningPort: undefined,
    announced: undefined,
    pageError: undefined,
    announcements: 0,
    pending: undefined,
    failingSinceMs: undefined,
    capture: undefined,
    stillThere: 'not-asked',
  };
}

/**
 * One step of a login: what has been seen goes in, what to do comes out. Pure: no I/O, no clock, no
 * randomness, so that every recorded login is a test. After `finish` or `fail` nothing happens any more.
 *
 * The CLI's word alone decides nothing. Its success message, or exit code 0, only starts the reading of the
 * credential; a failure it shows counts when it has exited, or has left the message standing for a second.
 */
export function step(state: LoginState, observation: LoginObservation): LoginStep {
  if (state.phase === 'over') return { state, actions: [] };
  switch (observation.type) {
    case 'screen':
      return onScreen(looked(state, observation.screen));
    case 'rpc':
      return onMessage(state, observation.line);
    case 'stderr':
      return { state: { ...state, screen: withLines(state.screen, [observation.line], []) }, actions: [] };
    case 'shim':
      return onShim(state, observation.url);
    case 'listening':
      return onListening(state, observation.port);
    case 'exit':
      return onExit(state, observation);
    case 'tick':
      return after(openConnection({ ...state, elapsedMs: Math.max(state.elapsedMs, observation.elapsedMs) }), onTick);
    case 'answer':
      return onAnswer(state, observation.promptId, observation.value);
    case 'typed':
      return { state: rememberTyped(state, observation.step), actions: [] };
    case 'callback':
      return { state: signOfLife(rememberPageError(state, observation.error)), actions: [] };
    default:
      return onCaptured(state, observation.problem);
  }
}

function looked(state: LoginState, screen: ScreenView): LoginState {
  const same = screenText(screen) === screenText(state.screen);
  if (same) return { ...state, screen };
  return { ...state, screen, stillSinceMs: state.elapsedMs, changes: state.changes + 1 };
}

function onScreen(state: LoginState): LoginStep {
  const text = screenText(state.screen);
  const stepped = fireSteps(state, text);
  if (state.phase !== 'running') return stepped;
  const linked = after(stepped, (next) => considerLink(next));
  if (isSuccess(state.method, text)) return after(linked, beginCapture);
  const failing = failureOnScreen(state.method, text) !== undefined;
  const failingSinceMs = failing ? (state.failingSinceMs ?? state.elapsedMs) : undefined;
  return { ...linked, state: { ...linked.state, failingSinceMs } };
}

/** Unlike a screen, a message is complete when it is there: nothing of it has to settle. */
function onMessage(state: LoginState, line: string): LoginStep {
  if (!state.connection) return { state, actions: [] };
  const { facts, message, refusal, ...turn } = receiveMessage(state.connection, line, state.elapsedMs);
  const said = message ? facts : [line];
  const screen = withLines(state.screen, said, message ? linksOf(message) : []);
  const heard = afterTurn({ ...state, screen }, { ...turn, facts, message, refusal });
  if (state.phase !== 'running' || !message) return heard;
  const linked = after(heard, (next) => considerLink(next));
  const text = facts.join('\n');
  if (isSuccess(state.method, text)) return after(linked, beginCapture);
  const failure =
    failureOnScreen(state.method, text) ?? (refusal === undefined ? undefined : errorReply(facts, refusal));
  return failure ? after(linked, (next) => over(next, failure)) : linked;
}

function isSuccess(method: LoginMethod, text: string): boolean {
  return method.success.some((matcher) => matchText(matcher, text) !== undefined);
}

function onShim(state: LoginState, raw: string): LoginStep {
  const { url: rule, callback } = state.method;
  if (state.phase !== 'running' || !rule?.sources.includes('browser-shim')) return { state, actions: [] };
  const verdict = guardUrl(raw, rule, callback);
  if (verdict.ok) {
    return announce(state, { url: verdict.url, source: 'browser-shim', userCode: undefined, settled: true });
  }
  // Some CLIs open a page of documentation later on; that does not end a login which goes well.
  if (state.announced) return { state, actions: [] };
  return over(state, {
    type: 'fail',
    code: 'LOGIN_URL_REFUSED',
    message: `The CLI wanted to open a link that is not a sign-in page of this provider: ${verdict.reason}.`,
  });
}

function onListening(state: LoginState, port: number): LoginStep {
  const known = { ...state, listeningPort: port };
  return state.phase === 'running' ? considerLink(known) : { state: known, actions: [] };
}

/** Announces the link on the screen, or remembers it until it has stayed long enough. */
function considerLink(state: LoginState): LoginStep {
  const link = findLink(state.method, state.screen, state.listeningPort);
  if (!link) return { state: { ...state, pending: undefined }, actions: [] };
  const same = state.pending && keyOf(state.pending.link) === keyOf(link) ? state.pending : undefined;
  const pending = { link, sinceMs: same?.sinceMs ?? state.elapsedMs };
  const shim = state.method.url?.sources.includes('browser-shim') && !state.announced ? SHIM_GRACE_MS : 0;
  const wait = Math.max(shim, link.settled ? 0 : SETTLE_MS);
  if (state.elapsedMs - pending.sinceMs < wait) return { state: { ...state, pending }, actions: [] };
  return announce({ ...state, pending }, link);
}

function announce(state: LoginState, link: FoundLink): LoginStep {
  const { announced, method } = state;
  const sources: readonly string[] = [...(method.url?.sources ?? []), 'page'];
  const rank = (item: FoundLink): number => sources.indexOf(item.source);
  const news = !announced || (keyOf(announced) !== keyOf(link) && rank(link) <= rank(announced));
  if (!news || state.announcements >= MOST_ANNOUNCEMENTS) return { state, actions: [] };
  const { url, userCode } = link;
  const actions: LoginAction[] = [{ type: 'announce-url', url, userCode }];
  if (url.callback && !sameCallback(announced?.url, url)) actions.push({ type: 'await-callback', ...url.callback });
  return {
    state: { ...state, announced: link, announcements: state.announcements + 1, pageError: undefined },
    actions,
  };
}

function keyOf(link: FoundLink): string {
  return `${link.url.href} ${link.userCode ?? ''}`;
}

function sameCallback(left: GuardedUrl | undefined, right: GuardedUrl): boolean {
  return left?.callback?.port === right.callback?.port && left?.callback?.path === right.callback?.path;
}

function onAnswer(state: LoginState, promptId: string, value: string): LoginStep {
  if (promptId === stillThereQuestion.id) return { state: signOfLife(state), actions: [] };
  const taken = takeAnswer(state, promptId, value);
  return taken ? { ...taken, state: signOfLife(taken.state) } : { state, actions: [] };
}

/** A user who was asked whether they are still there, and then does anything at all, gets more time once. */
function signOfLife(state: LoginState): LoginState {
  if (state.stillThere !== 'asked') return state;
  return { ...state, stillThere: 'answered', deadlineMs: state.deadlineMs + state.method.timeoutMs / 2 };
}

function beginCapture(state: LoginState): LoginStep {
  const capture = { sinceMs: state.elapsedMs, asked: true, problem: undefined };
  return { state: { ...state, phase: 'capturing', capture }, actions: [{ type: 'capture' }] };
}

function onCaptured(state: LoginState, problem: string | undefined): LoginStep {
  if (!state.capture?.asked) return { state, actions: [] };
  if (problem === undefined) return over(state, { type: 'finish' });
  return { state: { ...state, capture: { ...state.capture, asked: false, problem } }, actions: [] };
}

function onExit(state: LoginState, exit: { readonly code: number | null; readonly signal: string | null }): LoginStep {
  // The credential is being read already, and it decides.
  if (state.phase === 'capturing') return { state, actions: [] };
  if (exit.code === 0) return beginCapture(state);
  return over(state, failureOnScreen(state.method, screenText(state.screen)) ?? crashed(state, exit));
}

function onTick(state: LoginState): LoginStep {
  const { capture } = state;
  if (capture?.problem !== undefined && !capture.asked) {
    if (state.elapsedMs - capture.sinceMs >= CAPTURE_MS) return over(state, incomplete(capture.problem));
    return { state: { ...state, capture: { ...capture, asked: true } }, actions: [{ type: 'capture' }] };
  }
  if (state.failingSinceMs !== undefined && state.elapsedMs - state.failingSinceMs >= SETTLE_MS && !capture) {
    const failure = failureOnScreen(state.method, screenText(state.screen));
    if (failure) return over(state, failure);
  }
  const late = capture || !state.connection ? undefined : overdueRequest(state.connection, state.elapsedMs);
  if (late !== undefined) return over(state, unanswered(state, late));
  const again = repeatTyped(state);
  if (again) return again;
  const asked = askAgain(state);
  if (asked.actions.length > 0) return asked;
  return onTime(asked.state);
}

function onTime(state: LoginState): LoginStep {
  const due = unheeded(state) ?? ignored(state) ?? drifted(state) ?? deadline(state);
  if (due === 'ask') {
    return { state: { ...state, stillThere: 'asked' }, actions: [{ type: 'ask', prompt: stillThereQuestion }] };
  }
  if (due) return over(state, due);
  return state.phase === 'running' ? after(showStillScreen(state), considerLink) : { state, actions: [] };
}

function over(state: LoginState, action: LoginAction): LoginStep {
  return { state: { ...state, phase: 'over' }, actions: [action.type === 'fail' ? blamePage(state, action) : action] };
}

function after(first: LoginStep, next: (state: LoginState) => LoginStep): LoginStep {
  const second = next(first.state);
  return { state: second.state, actions: [...first.actions, ...second.actions] };
}
