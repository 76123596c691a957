import { asRecord, factsOf, finiteNumber, matchText, nonEmpty, readable } from '@sallyport/core/provider';
import type { JsonRecord, PromptEvent } from '@sallyport/core/provider';

import { beginMessage, toolCompleted, toolStarted } from './output-state.ts';
import type { OutputState, OutputStep } from './output-state.ts';
import { reloginNeeded } from './prompts.ts';

/** Turns a message of `codex app-server` into events. Text comes in pieces, and the whole item that follows repeats them. */
export function parseMessage(before: OutputState, message: JsonRecord): OutputStep {
  const state = before.rpc ? before : { ...before, rpc: { thread: undefined, turnId: undefined } };
  const method = nonEmpty(message['method']);
  if (method === undefined) return reply(state, message);
  const params = asRecord(message['params']);
  const threadId = nonEmpty(params['threadId']);
  // What its agents say among themselves is not an answer to the user.
  if (threadId !== undefined && threadId !== state.rpc?.thread) return { state, events: [] };
  const item = inSnakeCase(asRecord(params['item']));
  switch (method) {
    case 'item/agentMessage/delta':
      return textDelta(state, params);
    case 'item/reasoning/summaryTextDelta':
    case 'item/reasoning/textDelta':
      return reasoningDelta(state, params);
    case 'item/started':
      return itemStarted(state, item);
    case 'item/completed':
      return itemCompleted(state, item);
    case 'thread/tokenUsage/updated':
      return { state: { ...state, usage: added(state, params) }, events: [] };
    case 'warning':
    case 'error':
      return problem(state, params);
    case 'turn/completed':
      return turnCompleted(state, message, asRecord(params['turn']));
    default:
      return { state, events: [] };
  }
}

/** Replies bear the names of the manifest's steps. */
function reply(state: OutputState, message: JsonRecord): OutputStep {
  const error = message['error'];
  if (error !== undefined && error !== null) {
    return { state: { ...state, turn: 'failed', lastError: readable(asRecord(error)['message']) }, events: [] };
  }
  const result = asRecord(message['result']);
  if (message['id'] === 'turn') {
    const turnId = nonEmpty(asRecord(result['turn'])['id']);
    return { state: { ...state, rpc: { thread: state.rpc?.thread, turnId } }, events: [] };
  }
  const thread = nonEmpty(asRecord(result['thread'])['id']);
  if (message['id'] !== 'thread' || thread === undefined) return { state, events: [] };
  return {
    state: { ...state, rpc: { thread, turnId: state.rpc?.turnId } },
    events: [{ type: 'conversation', conversationId: thread }],
  };
}

function textDelta(state: OutputState, params: JsonRecord): OutputStep {
  const [itemId, delta] = [nonEmpty(params['itemId']), params['delta']];
  if (itemId === undefined || typeof delta !== 'string' || delta === '') return { state, events: [] };
  const step = Object.hasOwn(state.shown, itemId) ? { state, events: [text(delta)] } : beginMessage(state, delta);
  return { ...step, state: withShown(step.state, itemId, delta.length) };
}

function reasoningDelta(state: OutputState, params: JsonRecord): OutputStep {
  const [itemId, delta] = [nonEmpty(params['itemId']), params['delta']];
  if (itemId === undefined || typeof delta !== 'string' || delta === '') return { state, events: [] };
  return { state: withShown(state, itemId, delta.length), events: [{ type: 'reasoning', text: delta }] };
}

function withShown(state: OutputState, itemId: string, characters: number): OutputState {
  const before = Object.hasOwn(state.shown, itemId) ? (state.shown[itemId] ?? 0) : 0;
  return { ...state, shown: { ...state.shown, [itemId]: before + characters } };
}

/** Items other than tools: words, and what the user or Codex itself does with the thread. */
const otherKinds = new Set([
  'agent_message',
  'user_message',
  'hook_prompt',
  'plan',
  'reasoning',
  'context_compaction',
  'entered_review_mode',
  'exited_review_mode',
]);

function itemStarted(state: OutputState, item: JsonRecord): OutputStep {
  const kind = nonEmpty(item['type']);
  return kind === undefined || otherKinds.has(kind) ? { state, events: [] } : toolStarted(state, item, kind);
}

function itemCompleted(state: OutputState, item: JsonRecord): OutputStep {
  const kind = nonEmpty(item['type']);
  if (kind === undefined) return { state, events: [] };
  if (!otherKinds.has(kind)) return toolCompleted(state, item, kind);
  const id = nonEmpty(item['id']) ?? '';
  const shown = Object.hasOwn(state.shown, id) ? state.shown[id] : undefined;
  if (kind === 'reasoning') {
    const summary = Array.isArray(item['summary']) ? item['summary'].map(readable).join('\n') : '';
    return { state, events: shown === undefined && summary !== '' ? [{ type: 'reasoning', text: summary }] : [] };
  }
  const whole = nonEmpty(item['text']);
  if (whole === undefined || (kind !== 'agent_message' && kind !== 'plan')) return { state, events: [] };
  if (shown === undefined) return beginMessage(state, whole);
  // Normally nothing: the pieces were the whole.
  const rest = whole.slice(shown);
  return { state, events: rest === '' ? [] : [text(rest)] };
}

function text(piece: string): PromptEvent {
  return { type: 'text', text: piece };
}

/** Each request to the model reports its own. A thread that goes on first reports that of its last turn. */
function added({ usage, rpc }: OutputState, params: JsonRecord): OutputState['usage'] {
  if (rpc?.turnId !== undefined && params['turnId'] !== rpc.turnId) return usage;
  const last = asRecord(asRecord(params['tokenUsage'])['last']);
  const [input, output] = [finiteNumber(last['inputTokens']), finiteNumber(last['outputTokens'])];
  if (input === undefined || output === undefined) return usage;
  return { inputTokens: (usage?.inputTokens ?? 0) + input, outputTokens: (usage?.outputTokens ?? 0) + output };
}

/** Told at once where Codex goes on by itself; otherwise the turn ends with the same words. */
function problem(state: OutputState, params: JsonRecord): OutputStep {
  const error = asRecord(params['error']);
  const said = nonEmpty(params['message']) ?? nonEmpty(error['message']);
  if (said === undefined) return { state, events: [] };
  const details = nonEmpty(error['additionalDetails']);
  const message = details === undefined ? said : `${said} (${details})`;
  if (params['willRetry'] === false) return { state: { ...state, lastError: message }, events: [] };
  return { state, events: [{ type: 'notice', message }] };
}

function turnCompleted(state: OutputState, message: JsonRecord, turn: JsonRecord): OutputStep {
  const events: PromptEvent[] = state.usage ? [{ type: 'usage', ...state.usage }] : [];
  if (turn['status'] === 'completed') return { state: { ...state, turn: 'completed' }, events };
  const facts = factsOf(message).join('\n');
  const lastError =
    nonEmpty(asRecord(turn['error'])['message']) ?? state.lastError ?? `The turn ended as ${readable(turn['status'])}.`;
  const relogin = reloginNeeded.some((matcher) => matchText(matcher, facts) !== undefined);
  return { state: { ...state, turn: 'failed', lastError, reloginNeeded: relogin }, events };
}

/** Names as `codex exec --json` writes them, so that tools read the same both ways. */
function inSnakeCase(item: JsonRecord): JsonRecord {
  const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const { type, ...rest } = Object.fromEntries(Object.entries(item).map(([key, value]) => [snake(key), value]));
  return { ...rest, ...(typeof type === 'string' && { type: snake(type) }) };
}
