import {
  asRecord,
  quotable,
  readable,
  tryParseJson,
  type PromptEvent,
  type PromptParser,
} from '@sallyport/core/provider';

const initial = { problem: '', ended: false };

/** Turns the JSON lines of a run into events. Pure: what it has to remember is in the state. */
export const parse: PromptParser<typeof initial> = {
  initial: () => initial,
  step(state, seen) {
    if (state.ended) return { state, events: [] };
    if (seen.type === 'exit') return { state: { ...state, ended: true }, events: [endOf(seen.code, state.problem)] };
    // What is wrong is often said there, and nowhere else. It may quote a token, which must not be shown.
    // Only a CLI that speaks JSON-RPC sends messages.
    if (seen.type === 'rpc') return { state, events: [] };
    if (seen.type === 'stderr') return { state: { ...state, problem: quotable(seen.line) }, events: [] };
    return { state, events: eventsOf(asRecord(tryParseJson(seen.line))) };
  },
};

function eventsOf({ type, session, text }: Readonly<Record<string, unknown>>): readonly PromptEvent[] {
  if (type === 'session') return [{ type: 'conversation', conversationId: readable(session) }];
  if (type === 'text') return [{ type: 'text', text: readable(text) }];
  return [];
}

function endOf(code: number | null, problem: string): PromptEvent {
  if (code === 0) return { type: 'prompt-end', outcome: 'completed' };
  return { type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED', message: problem || `It ended with ${code}.` };
}
