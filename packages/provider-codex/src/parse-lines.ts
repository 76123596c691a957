import {
  asRecord,
  finiteNumber,
  matchText,
  nonEmpty,
  quotable,
  readable,
  tryParseJson,
} from '@sallyport/core/provider';
import type { JsonRecord, PromptEvent } from '@sallyport/core/provider';

import { beginMessage, toolCompleted, toolStarted } from './output-state.ts';
import type { OutputState, OutputStep } from './output-state.ts';
import { reloginNeeded } from './prompts.ts';

/** Turns a line of `codex exec --json` into events. It prints whole items, no deltas. */
export function parseLine(state: OutputState, line: string): OutputStep {
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
      return { state: { ...state, turn: 'completed' }, events: usage(asRecord(event['usage'])) };
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

function itemStarted(state: OutputState, item: JsonRecord): OutputStep {
  const kind = nonEmpty(item['type']);
  if (kind === undefined || wordKinds.has(kind)) return { state, events: [] };
  return toolStarted(state, item, kind);
}

function itemCompleted(state: OutputState, item: JsonRecord): OutputStep {
  const kind = nonEmpty(item['type']);
  if (kind === undefined) return { state, events: [] };
  if (!wordKinds.has(kind)) return toolCompleted(state, item, kind);
  const text = nonEmpty(item['text']) ?? nonEmpty(item['message']);
  if (text === undefined) return { state, events: [] };
  if (kind === 'reasoning') return { state, events: [{ type: 'reasoning', text }] };
  if (kind === 'error') return { state, events: [{ type: 'notice', message: text }] };
  return beginMessage(state, text);
}

function usage(counts: JsonRecord): PromptEvent[] {
  const inputTokens = finiteNumber(counts['input_tokens']);
  const outputTokens = finiteNumber(counts['output_tokens']);
  if (inputTokens === undefined || outputTokens === undefined) return [];
  return [{ type: 'usage', inputTokens, outputTokens }];
}

/** An `error` line: Codex retries by itself where it says so, and otherwise ends the turn with the same words. */
function failing(state: OutputState, message: string): OutputStep {
  if (message.startsWith('Reconnecting')) return { state, events: [{ type: 'notice', message }] };
  return { state: { ...state, lastError: message || state.lastError }, events: [] };
}

function turnFailed(state: OutputState, line: string, error: JsonRecord): OutputStep {
  const lastError = nonEmpty(error['message']) ?? state.lastError;
  const relogin = reloginNeeded.some((matcher) => matchText(matcher, line) !== undefined);
  return { state: { ...state, lastError, turn: 'failed', reloginNeeded: relogin }, events: [] };
}
