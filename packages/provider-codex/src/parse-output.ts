import {
  asRecord,
  errorCodes,
  finiteNumber,
  matchText,
  nonEmpty,
  quotable,
  readable,
  tryParseJson,
} from '@sallyport/core';
import type { JsonRecord, Observation, PromptEvent, PromptParser } from '@sallyport/core';

import { manifest } from './manifest.ts';
import { toolItem } from './tool-item.ts';

/** What has been seen of one `codex exec --json` so far. */
export interface OutputState {
  /** Tools that started and have not ended: id → name. */
  readonly openTools: Readonly<Record<string, string>>;
  readonly messages: number;
  /** Why the run will have failed, unless it ends with code 0. */
  readonly lastError: string | undefined;
  /** `turn.failed` was seen: failed whatever the exit code says. */
  readonly turnFailed: boolean;
  readonly reloginNeeded: boolean;
  readonly lastStderr: string | undefined;
  readonly ended: boolean;
}

type Step = { readonly state: OutputState; readonly events: readonly PromptEvent[] };

/**
 * Turns the JSON lines of `codex exec --json` into events. Codex prints whole items, no deltas. The end is
 * announced when the process ends, not at `turn.failed`, since lines may follow that one.
 */
export const parseOutput: PromptParser<OutputState> = {
  initial: () => ({
    openTools: {},
    messages: 0,
    lastError: undefined,
    turnFailed: false,
    reloginNeeded: false,
    lastStderr: undefined,
    ended: false,
  }),
  step(state, observation) {
    if (state.ended) return { state, events: [] };
    if (observation.type === 'exit') return exit(state, observation);
    if (observation.line.trim() === '') return { state, events: [] };
    if (observation.type === 'stderr')
      return { state: { ...state, lastStderr: quotable(observation.line) }, events: [] };
    return stdout(state, observation.line);
  },
};

function stdout(state: OutputState, line: string): Step {
  const event = asRecord(tryParseJson(line));
  const type = nonEmpty(event['type']);
  if (type === undefined) return { state, events: [{ type: 'notice', message: quotable(line) }] };
  const item = asRecord(event['item']);
  switch (type) {
    case 'thread.started': {
      const conversationId = nonEmpty(event['thread_id']);
      return { state, events: conversationId === undefined ? [] : [{ type: 'conversation', conversationId }] };
    }
    case 'item.started':
      return itemStarted(state, item);
    case 'item.completed':
      return itemCompleted(state, item);
    case 'turn.completed':
      return { state, events: usage(asRecord(event['usage'])) };
    case 'error':
      return failing(state, readable(event['message']));
    case 'turn.failed':
      return turnFailed(state, line, asRecord(event['error']));
    default:
      return { state, events: [] };
  }
}

/** Kinds of items that are words; every other kind is a tool. */
const wordKinds = new Set(['agent_message', 'plan', 'reasoning', 'error']);

function itemStarted(state: OutputState, item: JsonRecord): Step {
  const kind = nonEmpty(item['type']);
  if (kind === undefined || wordKinds.has(kind)) return { state, events: [] };
  const { id: toolId, name, input } = toolItem(item, kind);
  return {
    state: { ...state, openTools: { ...state.openTools, [toolId]: name } },
    events: [{ type: 'tool-start', toolId, name, input }],
  };
}

function itemCompleted(state: OutputState, item: JsonRecord): Step {
  const kind = nonEmpty(item['type']);
  if (kind === undefined) return { state, events: [] };
  if (!wordKinds.has(kind)) return toolCompleted(state, item, kind);
  const text = nonEmpty(item['text']) ?? nonEmpty(item['message']);
  if (text === undefined) return { state, events: [] };
  if (kind === 'reasoning') return { state, events: [{ type: 'reasoning', text }] };
  if (kind === 'error') return { state, events: [{ type: 'notice', message: text }] };
  // Pieces are concatenated as they are, so a second message has to bring its own paragraph break.
  const separated = state.messages === 0 ? text : `\n\n${text}`;
  return { state: { ...state, messages: state.messages + 1 }, events: [{ type: 'text', text: separated }] };
}

function toolCompleted(state: OutputState, item: JsonRecord, kind: string): Step {
  const { id: toolId, name, input, output, ok } = toolItem(item, kind);
  const { [toolId]: started, ...openTools } = state.openTools;
  const start: PromptEvent[] = started === undefined ? [{ type: 'tool-start', toolId, name, input }] : [];
  return { state: { ...state, openTools }, events: [...start, { type: 'tool-end', toolId, name, output, ok }] };
}

function usage(counts: JsonRecord): PromptEvent[] {
  const inputTokens = finiteNumber(counts['input_tokens']);
  const outputTokens = finiteNumber(counts['output_tokens']);
  if (inputTokens === undefined || outputTokens === undefined) return [];
  return [{ type: 'usage', inputTokens, outputTokens }];
}

/** An `error` line: Codex retries by itself where it says so, and otherwise ends the turn with the same words. */
function failing(state: OutputState, message: string): Step {
  if (message.startsWith('Reconnecting')) return { state, events: [{ type: 'notice', message }] };
  return { state: { ...state, lastError: message || state.lastError }, events: [] };
}

function turnFailed(state: OutputState, line: string, error: JsonRecord): Step {
  const lastError = nonEmpty(error['message']) ?? state.lastError;
  const reloginNeeded = manifest.prompt.reloginNeeded.some((matcher) => matchText(matcher, line) !== undefined);
  return { state: { ...state, lastError, turnFailed: true, reloginNeeded }, events: [] };
}

function exit(state: OutputState, observation: Extract<Observation, { type: 'exit' }>): Step {
  const cutShort: PromptEvent[] = Object.entries(state.openTools).map(([toolId, name]) => ({
    type: 'tool-end',
    toolId,
    name,
    output: '',
    ok: false,
  }));
  return { state: { ...state, openTools: {}, ended: true }, events: [...cutShort, promptEnd(state, observation)] };
}

function promptEnd(state: OutputState, { code, signal }: { code: number | null; signal: string | null }): PromptEvent {
  if (code === 0 && !state.turnFailed) return { type: 'prompt-end', outcome: 'completed' };
  const ending = signal === null ? `Codex ended with exit code ${code}.` : `Codex was ended by ${signal}.`;
  const message = state.lastError ?? state.lastStderr ?? ending;
  const [outcome, errorCode] = state.reloginNeeded
    ? (['relogin-needed', 'CREDENTIAL_INVALID'] as const)
    : (['failed', 'PROMPT_FAILED'] as const);
  return { type: 'prompt-end', outcome, code: errorCode, message, hint: errorCodes[errorCode].hint };
}
