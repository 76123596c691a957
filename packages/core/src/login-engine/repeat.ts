import type { LoginState, LoginStep } from './state.ts';

/** Types the text of a step again while nothing on the screen moves: some CLIs lose keys that come too early. */

/** Longer than a CLI that took the key leaves its screen as it is. */
const REPEAT_AFTER_MS = 2000;

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
