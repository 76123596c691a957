import type { ErrorCode } from '../base/errors.ts';
import type { Question } from '../provider/question.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';

/** What the terminal shows, after the emulator has worked through every escape sequence. */
export interface ScreenView {
  /** Logical lines from the top of the scroll-back: a line the terminal wrapped is one string. At most 2,000. */
  readonly lines: readonly string[];
  /** Targets of OSC 8 hyperlinks, in order of first appearance, without repeats. */
  readonly links: readonly string[];
  /** Texts that the CLI put on the clipboard (OSC 52), in order, without repeats. Default: none. */
  readonly clipboard?: readonly string[];
}

/** What can happen to a login. The engine sees nothing else: no clock, no file, no process. */
export type LoginObservation =
  | { readonly type: 'screen'; readonly screen: ScreenView }
  /** A line of a CLI that speaks JSON-RPC: to its standard output, and to its standard error. */
  | { readonly type: 'rpc'; readonly line: string }
  | { readonly type: 'stderr'; readonly line: string }
  /** The CLI ran its browser command with this argument. */
  | { readonly type: 'shim'; readonly url: string }
  /** The CLI listens on this loopback port, and on no other. */
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'exit'; readonly code: number | null; readonly signal: string | null }
  /** Time since the start of the login. Sent at the start, and then about once a second. */
  | { readonly type: 'tick'; readonly elapsedMs: number }
  | { readonly type: 'answer'; readonly promptId: string; readonly value: string }
  /** The text of a step that repeats was typed. */
  | { readonly type: 'typed'; readonly step: string }
  /** A callback was relayed to the CLI, which took it or not. `error`: what the sign-in page sent in place of a code. */
  | { readonly type: 'callback'; readonly ok: boolean; readonly error?: string }
  /** The outcome of a `capture` action: every credential item is complete, or why not. */
  | { readonly type: 'captured'; readonly problem: string | undefined };

/** What the engine wants done. The runner does it and reports back by observations. */
export type LoginAction =
  /** Type this: at once, or this long after what was to be typed before. With `step`, answered by `typed`. */
  | { readonly type: 'send'; readonly text: string; readonly afterMs?: number; readonly step?: string }
  | { readonly type: 'ask'; readonly prompt: Question }
  | { readonly type: 'announce-url'; readonly url: GuardedUrl; readonly userCode: string | undefined }
  | { readonly type: 'await-callback'; readonly port: number; readonly path: string }
  /** Let the user see what the CLI shows: it has not gone on for some seconds. Safe to show. */
  | { readonly type: 'show-screen'; readonly text: string }
  /** Read the credential now; answered by `captured`. */
  | { readonly type: 'capture' }
  | { readonly type: 'finish' }
  | { readonly type: 'fail'; readonly code: ErrorCode; readonly message: string };
