import type { LoginMethod } from '../provider/login-method.ts';
import type { RpcConnection } from '../rpc/connection.ts';
import type { FoundLink } from './link-search.ts';
import type { LoginAction, ScreenView } from './observation.ts';

/** Everything the engine remembers of one login. A JSON value. */
export interface LoginState {
  readonly method: LoginMethod;
  readonly phase: 'running' | 'capturing' | 'over';
  /** As of the last tick. */
  readonly elapsedMs: number;
  readonly deadlineMs: number;
  /** What a terminal shows; of a connection, what the CLI has said, as `factsOf` writes it. */
  readonly screen: ScreenView;
  /** Since when the screen shows the same. */
  readonly stillSinceMs: number;
  /** How often the screen has changed. */
  readonly changes: number;
  /** {@link LoginState.changes} when the user was last shown the screen. */
  readonly screenShown: number | undefined;
  /** Of the `json-rpc` drive, once it has begun. */
  readonly connection: RpcConnection | undefined;
  /** Ids of the steps that have fired. */
  readonly fired: readonly string[];
  /** The step that was typed last and has changed nothing yet: its key may have been lost. */
  readonly typed: TypedStep | undefined;
  /** Steps whose question waits for its answer. */
  readonly open: readonly string[];
  /** The step whose question was answered last. */
  readonly answered: AnsweredStep | undefined;
  /** Where the CLI waits for its callback, as far as that was looked up. */
  readonly listeningPort: number | undefined;
  readonly announced: FoundLink | undefined;
  readonly announcements: number;
  /** The error that the sign-in page sent to the callback of the announced link, and when. */
  readonly pageError: { readonly error: string; readonly sinceMs: number } | undefined;
  /** The link on the screen that may be announced when nothing better comes, and since when it is there. */
  readonly pending: { readonly link: FoundLink; readonly sinceMs: number } | undefined;
  /** Since when the screen has shown a failure. */
  readonly failingSinceMs: number | undefined;
  readonly capture:
    | { readonly sinceMs: number; readonly asked: boolean; readonly problem: string | undefined }
    | undefined;
  readonly stillThere: 'not-asked' | 'asked' | 'answered';
}

export interface TypedStep {
  readonly step: string;
  readonly sinceMs: number;
  readonly repeated: number;
  /** {@link LoginState.changes} when it was typed. */
  readonly changes: number;
}

export interface AnsweredStep {
  readonly step: string;
  readonly sinceMs: number;
  /** How often the screen has shown the question since: one more, and the CLI asks again. */
  readonly shown: number;
}

export interface LoginStep {
  readonly state: LoginState;
  readonly actions: readonly LoginAction[];
}
