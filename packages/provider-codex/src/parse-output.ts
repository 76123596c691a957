import { errorCodes } from '@sallyport/core';
import { quotable } from '@sallyport/core/provider';
import type { Observation, PromptEvent, PromptParser } from '@sallyport/core/provider';

import { initialState } from './output-state.ts';
import type { OutputState, OutputStep } from './output-state.ts';
import { parseLine } from './parse-lines.ts';
import { parseMessage } from './parse-messages.ts';

/**
 * Turns all that a run of Codex shows into events. The end is announced when the process ends, not with the turn, since
 * more may follow that.
 */
export const parseOutput: PromptParser<OutputState> = {
  initial: () => initialState,
  step(state, observation) {
    if (state.ended) return { state, events: [] };
    if (observation.type === 'exit') return exit(state, observation);
    if (observation.type === 'rpc') return parseMessage(state, observation.message);
    if (observation.line.trim() === '') return { state, events: [] };
    if (observation.type === 'stderr')
      return { state: { ...state, lastStderr: quotable(observation.line) }, events: [] };
    return parseLine(state, observation.line);
  },
};

function exit(state: OutputState, observation: Extract<Observation, { type: 'exit' }>): OutputStep {
  const cutShort: PromptEvent[] = Object.entries(state.openTools).map(([toolId, name]) => ({
    type: 'tool-end',
    toolId,
    name,
    output: '',
    ok: false,
  }));
  return { state: { ...state, openTools: {}, ended: true }, events: [...cutShort, promptEnd(state, observation)] };
}

/** The turn says it. `codex exec` also has to end well; the app server is ended when it has answered. */
function isComplete({ rpc, turn }: OutputState, code: number | null): boolean {
  return turn === 'completed' && (rpc !== undefined || code === 0);
}

function promptEnd(state: OutputState, { code, signal }: { code: number | null; signal: string | null }): PromptEvent {
  if (isComplete(state, code)) return { type: 'prompt-end', outcome: 'completed' };
  const ending = signal === null ? `Codex ended with exit code ${code}.` : `Codex was ended by ${signal}.`;
  const message = state.lastError ?? state.lastStderr ?? ending;
  const [outcome, errorCode] = state.reloginNeeded
    ? (['relogin-needed', 'CREDENTIAL_INVALID'] as const)
    : (['failed', 'PROMPT_FAILED'] as const);
  return { type: 'prompt-end', outcome, code: errorCode, message, hint: errorCodes[errorCode].hint };
}
