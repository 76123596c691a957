import { countMatches } from '../provider/matcher.ts';
import { screenText } from './link-search.ts';
import type { LoginState, LoginStep } from './state.ts';

/** What a login does once more: it types a key that was lost, and asks a question that the CLI asks again. */

/** Longer than a CLI that took the key leaves its screen as it is. */
const REPEAT_AFTER_MS = 2000;

/** Longer than a screen stands between two parts of its painting. */
const STANDS_MS = 1000;

/** Remembers what the screen was like when the text of a step was typed. */
export function rememberTyped(state: LoginState, step: string): LoginState {
  const { typed, elapsedMs: sinceMs, changes } = state;
  if (typed?.step !== step) return { ...state, typed: { step, sinceMs, changes, repeated: 0 } };
  // Where the screen has changed since the first time, that key was not lost.
  return { ...state, typed: typed.changes === changes ? { ...typed, sinceMs } : undefined };
}

/** The text once more, where the screen has not changed since it was typed; `undefined` otherwise. */
export function repeatTyped(state: LoginState): LoginStep | undefined {
  const { typed, phase, method } = state;
  if (!typed || phase !== 'running' || method.drive.kind !== 'terminal') return undefined;
  const item = method.drive.steps.find(({ id }) => id === typed.step);
  if (item?.do.kind !== 'send' || typed.changes !== state.changes || typed.repeated >= item.do.repeats)
    return undefined;
  if (state.elapsedMs - typed.sinceMs < REPEAT_AFTER_MS) return undefined;
  return {
    state: { ...state, typed: { ...typed, sinceMs: state.elapsedMs, repeated: typed.repeated + 1 } },
    actions: [{ type: 'send', text: item.do.text, step: item.id }],
  };
}

/** Asks the user again where the CLI does: a terminal shows the question once more, a full screen brings it back. */
export function askAgain(state: LoginState): LoginStep {
  const { answered, phase, method, open } = state;
  const stands = state.elapsedMs - state.stillSinceMs >= STANDS_MS;
  const isDue = answered && phase === 'running' && stands && !open.includes(answered.step);
  if (!isDue || method.drive.kind !== 'terminal') return { state, actions: [] };
  const item = method.drive.steps.find(({ id }) => id === answered.step);
  if (item?.do.kind !== 'ask') return { state, actions: [] };
  const shown = countMatches(item.when, screenText(state.screen));
  if (shown <= answered.shown) return { state: { ...state, answered: { ...answered, shown } }, actions: [] };
  return {
    state: { ...state, answered: undefined, open: [...open, item.id] },
    actions: [{ type: 'ask', prompt: item.do.prompt }],
  };
}
