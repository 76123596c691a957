import { errorCodes } from '@sallyport/core';
import {
  asRecord,
  finiteNumber,
  matchText,
  nonEmpty,
  quotable,
  readable,
  tryParseJson,
} from '@sallyport/core/provider';
import type { JsonRecord, Observation, PromptEvent, PromptParser } from '@sallyport/core/provider';

import { manifest } from './manifest.ts';
import { blocksOf, toolInput, toolOutput } from './message-blocks.ts';

/** What has been seen of one `claude -p --output-format stream-json` so far. */
export interface OutputState {
  /** Tools that started and have not ended: id → name. */
  readonly openTools: Readonly<Record<string, string>>;
  /** Id of the message whose pieces arrive now. */
  readonly streaming: string | undefined;
  /** Id of the last message that arrived in pieces: its whole items say nothing new. */
  readonly streamed: string | undefined;
  /** Text has been shown, and the next piece of text starts a new block. */
  readonly shown: boolean;
  readonly newBlock: boolean;
  /** The run has an API key in place of a login. */
  readonly usesKey: boolean;
  readonly result:
    | { readonly ok: boolean; readonly message: string | undefined; readonly relogin: boolean }
    | undefined;
  readonly lastStderr: string | undefined;
  readonly ended: boolean;
}

type Step = { readonly state: OutputState; readonly events: readonly PromptEvent[] };

/**
 * Turns the JSON lines of a headless run into events. Text arrives in pieces, and then once more as a whole item.
 * The end is announced when the process ends, since its exit code has a say.
 */
export const parseOutput: PromptParser<OutputState> = {
  initial: () => ({
    openTools: {},
    streaming: undefined,
    streamed: undefined,
    shown: false,
    newBlock: false,
    usesKey: false,
    result: undefined,
    lastStderr: undefined,
    ended: false,
  }),
  step(state, observation) {
    if (state.ended) return { state, events: [] };
    if (observation.type === 'exit') return exit(state, observation);
    if (observation.type === 'rpc') return { state, events: [] };
    if (observation.line.trim() === '') return { state, events: [] };
    if (observation.type === 'stderr')
      return { state: { ...state, lastStderr: quotable(observation.line) }, events: [] };
    return stdout(state, observation.line);
  },
};

function stdout(state: OutputState, line: string): Step {
  const item = asRecord(tryParseJson(line));
  const type = nonEmpty(item['type']);
  if (type === undefined) return { state, events: [{ type: 'notice', message: quotable(line) }] };
  // The words of a subagent are part of its tool's output.
  const ofSubagent = nonEmpty(item['parent_tool_use_id']) !== undefined;
  switch (type) {
    case 'system':
      return system(state, item);
    case 'stream_event':
      return ofSubagent ? { state, events: [] } : piece(state, asRecord(item['event']));
    case 'assistant':
      return wholeMessage(state, item, ofSubagent);
    case 'user':
      return toolResults(state, asRecord(item['message']));
    case 'rate_limit_event':
      return { state, events: rateLimit(asRecord(item['rate_limit_info'])) };
    case 'result':
      return result(state, line, item);
    default:
      return { state, events: [] };
  }
}

function system(state: OutputState, item: JsonRecord): Step {
  if (item['subtype'] === 'init') {
    const conversationId = nonEmpty(item['session_id']);
    const usesKey = item['apiKeySource'] === 'ANTHROPIC_API_KEY';
    return {
      state: { ...state, usesKey },
      events: conversationId === undefined ? [] : [{ type: 'conversation', conversationId }],
    };
  }
  if (item['subtype'] !== 'api_retry') return { state, events: [] };
  const [status, attempt, most] = [item['error_status'], item['attempt'], item['max_retries']].map(readable);
  if (state.usesKey && status === '401' && attempt !== '1') return refusedKey(state);
  return {
    state,
    events: [{ type: 'notice', message: `Anthropic answered ${status}; trying again (${attempt} of ${most}).` }],
  };
}

/** A login could be refreshed between two tries. A key stays what it is, and the CLI would try it for minutes. */
function refusedKey(state: OutputState): Step {
  const message = 'Anthropic does not accept the API key.';
  const hint = 'Connect again, and copy the whole of the key.';
  const end: PromptEvent = { type: 'prompt-end', outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID', message, hint };
  return { state: { ...state, openTools: {}, ended: true }, events: [...cutShort(state), end] };
}

/** One event of the Messages API as it arrives. */
function piece(state: OutputState, event: JsonRecord): Step {
  switch (event['type']) {
    case 'message_start':
      return { state: { ...state, streaming: nonEmpty(asRecord(event['message'])['id']) }, events: [] };
    case 'content_block_start':
      return { state: { ...state, newBlock: state.shown }, events: [] };
    case 'content_block_delta': {
      const delta = asRecord(event['delta']);
      const known = { ...state, streamed: state.streaming };
      if (delta['type'] === 'text_delta') return text(known, delta['text']);
      if (delta['type'] === 'thinking_delta') return { state: known, events: reasoning(delta['thinking']) };
      return { state, events: [] };
    }
    default:
      return { state, events: [] };
  }
}

function text(state: OutputState, value: unknown): Step {
  if (typeof value !== 'string' || value === '') return { state, events: [] };
  // Pieces are concatenated as they are, so a second block has to bring its own paragraph break.
  const separated = state.newBlock ? `\n\n${value}` : value;
  return { state: { ...state, shown: true, newBlock: false }, events: [{ type: 'text', text: separated }] };
}

function reasoning(value: unknown): PromptEvent[] {
  return typeof value === 'string' && value !== '' ? [{ type: 'reasoning', text: value }] : [];
}

function wholeMessage(state: OutputState, item: JsonRecord, ofSubagent: boolean): Step {
  const whole = asRecord(item['message']);
  // Written by the CLI itself; the result says the same.
  const isError = item['is_api_error_message'] === true;
  const id = nonEmpty(whole['id']);
  const silent = isError || ofSubagent || (id !== undefined && id === state.streamed);
  let step: Step = { state, events: [] };
  for (const block of blocksOf(whole)) {
    const next = wholeBlock(step.state, block, silent);
    step = { state: next.state, events: [...step.events, ...next.events] };
  }
  return step;
}

function wholeBlock(state: OutputState, block: JsonRecord, silent: boolean): Step {
  if (block['type'] === 'tool_use') {
    const [name, toolId] = [nonEmpty(block['name']) ?? 'tool', nonEmpty(block['id']) ?? 'tool'];
    const input = toolInput(name, block['input']);
    return {
      state: { ...state, openTools: { ...state.openTools, [toolId]: name } },
      events: [{ type: 'tool-start', toolId, name, input }],
    };
  }
  if (silent) return { state, events: [] };
  if (block['type'] === 'text') return text({ ...state, newBlock: state.shown }, block['text']);
  return { state, events: block['type'] === 'thinking' ? reasoning(block['thinking']) : [] };
}

function toolResults(state: OutputState, whole: JsonRecord): Step {
  let openTools = state.openTools;
  const events: PromptEvent[] = [];
  for (const block of blocksOf(whole)) {
    if (block['type'] !== 'tool_result') continue;
    const toolId = nonEmpty(block['tool_use_id']) ?? 'tool';
    const { [toolId]: name, ...others } = openTools;
    if (name === undefined) continue;
    openTools = others;
    events.push({ type: 'tool-end', toolId, name, output: toolOutput(block), ok: block['is_error'] !== true });
  }
  return { state: { ...state, openTools }, events };
}

function rateLimit(info: JsonRecord): PromptEvent[] {
  const status = nonEmpty(info['status']);
  if (status === undefined || status === 'allowed') return [];
  const resets = finiteNumber(info['resetsAt']);
  // Outside of what a date can hold, `toISOString` throws.
  const when =
    resets === undefined || Math.abs(resets) > 1e11 ? '' : ` It resets at ${new Date(resets * 1000).toISOString()}.`;
  return [{ type: 'notice', message: `The limit of the plan: ${status.replaceAll('_', ' ')}.${when}` }];
}

function result(state: OutputState, line: string, item: JsonRecord): Step {
  const ok = item['is_error'] !== true;
  const relogin = !ok && manifest.prompt.reloginNeeded.some((matcher) => matchText(matcher, line) !== undefined);
  const errors = Array.isArray(item['errors']) ? item['errors'].map(readable).join(' ') : '';
  const said = nonEmpty(item['result']) ?? nonEmpty(errors) ?? nonEmpty(item['subtype']);
  return { state: { ...state, result: { ok, message: said, relogin } }, events: usage(asRecord(item['usage'])) };
}

/** What was read from a cache counts as input here, as it does for the other providers. */
function usage(counts: JsonRecord): PromptEvent[] {
  const outputTokens = finiteNumber(counts['output_tokens']);
  const inputs = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'];
  const inputTokens = inputs.reduce((sum, name) => sum + (finiteNumber(counts[name]) ?? 0), 0);
  if (outputTokens === undefined || (inputTokens === 0 && outputTokens === 0)) return [];
  return [{ type: 'usage', inputTokens, outputTokens }];
}

function exit(state: OutputState, observation: Extract<Observation, { type: 'exit' }>): Step {
  return {
    state: { ...state, openTools: {}, ended: true },
    events: [...cutShort(state), promptEnd(state, observation)],
  };
}

/** The ends of the tools that run when the CLI does no more. */
function cutShort({ openTools }: OutputState): readonly PromptEvent[] {
  return Object.entries(openTools).map(([toolId, name]) => ({ type: 'tool-end', toolId, name, output: '', ok: false }));
}

function promptEnd(state: OutputState, { code, signal }: { code: number | null; signal: string | null }): PromptEvent {
  if (code === 0 && state.result?.ok === true) return { type: 'prompt-end', outcome: 'completed' };
  const ending = signal === null ? `Claude Code ended with exit code ${code}.` : `Claude Code was ended by ${signal}.`;
  const message = (state.result?.ok === false ? state.result.message : undefined) ?? state.lastStderr ?? ending;
  const [outcome, errorCode] = state.result?.relogin
    ? (['relogin-needed', 'CREDENTIAL_INVALID'] as const)
    : (['failed', 'PROMPT_FAILED'] as const);
  return { type: 'prompt-end', outcome, code: errorCode, message, hint: errorCodes[errorCode].hint };
}
