import { createLogin, step } from '@sallyport/core/engine';
import type { LoginAction, LoginObservation, LoginState } from '@sallyport/core/engine';
import type { LoginMethod } from '@sallyport/core/provider';

/** What a login came to: the part that must not depend on how its bytes were cut. */
export interface LoginOutcome {
  /** Links that were announced, in order. */
  readonly urls: readonly string[];
  readonly userCodes: readonly string[];
  /** Ids of the prompts that were asked of the user. */
  readonly asked: readonly string[];
  /** Text sent to the CLI. */
  readonly sent: readonly string[];
  /** `finished`, the code of the failure, or `waiting` where it did neither. */
  readonly result: string;
}

export interface LoginRunOptions {
  /** What the user answers, by prompt id. Without an answer the login waits. */
  readonly answers?: Readonly<Record<string, string>> | undefined;
  /** True where the CLI had a browser command when it was recorded: it gave it the first https link it printed. */
  readonly browserCommand?: boolean | undefined;
  /** With `browserCommand`: the link it was given, where that is another than the one printed. */
  readonly browserLink?: string | undefined;
  /** With `browserLink`: what the CLI had just printed then. Default: its first https link. */
  readonly browserCalledAfter?: string | undefined;
  /** The loopback port on which the CLI was listening. Default: not looked up. */
  readonly listeningPort?: number | undefined;
  /** What is wrong with the credential the CLI wrote. Default: nothing. */
  readonly credentialProblem?: string | undefined;
  /** Sees everything the engine wants done, with its words. */
  readonly onAction?: ((action: LoginAction) => void) | undefined;
}

/** The login engine at one point of a login. Immutable, so that many continuations can start from one point. */
export interface LoginRun {
  readonly outcome: LoginOutcome;
  /** Number of actions the engine has asked for. */
  readonly actions: number;
  observe(observation: LoginObservation): LoginRun;
}

/** Runs the real engine and does what a runner would do, without a process: captures succeed, users answer. */
export function startLoginRun(method: LoginMethod, options: LoginRunOptions = {}): LoginRun {
  const nothing: LoginOutcome = { urls: [], userCodes: [], asked: [], sent: [], result: 'waiting' };
  const run = runAt({ state: createLogin(method), outcome: nothing, actions: 0, options });
  const { listeningPort: port } = options;
  return port === undefined ? run : run.observe({ type: 'listening', port });
}

interface Point {
  readonly state: LoginState;
  readonly outcome: LoginOutcome;
  readonly actions: number;
  readonly options: LoginRunOptions;
}

function runAt(point: Point): LoginRun {
  const { outcome, actions } = point;
  return { outcome, actions, observe: (observation) => runAt(observed(point, observation)) };
}

function observed(point: Point, observation: LoginObservation): Point {
  const next = step(point.state, observation);
  let reached: Point = { ...point, state: next.state };
  for (const action of next.actions) {
    reached = { ...reached, outcome: recorded(reached.outcome, action), actions: reached.actions + 1 };
    point.options.onAction?.(action);
    const reaction = reactionTo(action, point.options);
    if (reaction) reached = observed(reached, reaction);
  }
  return reached;
}

function reactionTo(action: LoginAction, options: LoginRunOptions): LoginObservation | undefined {
  if (action.type === 'capture') return { type: 'captured', problem: options.credentialProblem };
  if (action.type !== 'ask') return undefined;
  const value = options.answers?.[action.prompt.id];
  return value === undefined ? undefined : { type: 'answer', promptId: action.prompt.id, value };
}

function recorded(outcome: LoginOutcome, action: LoginAction): LoginOutcome {
  switch (action.type) {
    case 'announce-url': {
      const userCodes = action.userCode === undefined ? outcome.userCodes : [...outcome.userCodes, action.userCode];
      return { ...outcome, urls: [...outcome.urls, action.url.href], userCodes };
    }
    case 'ask':
      return { ...outcome, asked: [...outcome.asked, action.prompt.id] };
    case 'send':
      return { ...outcome, sent: [...outcome.sent, action.text] };
    case 'finish':
      return { ...outcome, result: 'finished' };
    case 'fail':
      return { ...outcome, result: action.code };
    default:
      return outcome;
  }
}
