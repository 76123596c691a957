import {
  asRecord,
  quotable,
  readable,
  tryParseJson,
  type PromptEvent,
  type PromptParser,
} from '@sallyport/core/provider';

const initial = { conversationId: '', problem: '', ended: false };

/** Turns the JSON lines of `opencode run --format json` into events. */
export const parse: PromptParser<typeof initial> = {
  initial: () => initial,
  step(state, seen) {
    if (state.ended || seen.type === 'rpc') return { state, events: [] };
    if (seen.type === 'exit') return { state: { ...state, ended: true }, events: [endOf(seen.code, state.problem)] };
    if (seen.type === 'stderr') return { state: { ...state, problem: quotable(seen.line) }, events: [] };
    const { sessionID, part, error } = asRecord(tryParseJson(seen.line));
    const conversationId = readable(sessionID) || state.conversationId;
    const problem = readable(asRecord(asRecord(error)['data'])['message']) || state.problem;
    const events = eventsOf(asRecord(part));
    if (conversationId !== state.conversationId) events.unshift({ type: 'conversation', conversationId });
    return { state: { ...state, conversationId, problem }, events };
  },
};

/** A tool is told of once it has ended, so that it starts and ends here. */
function eventsOf({ type, text, tool, callID, state }: Readonly<Record<string, unknown>>): PromptEvent[] {
  if (type === 'text') return [{ type, text: readable(text) }];
  if (type !== 'tool') return [];
  const { status, input, output, error } = asRecord(state);
  const which = { toolId: readable(callID), name: readable(tool) };
  const end = { output: readable(output ?? error), ok: status === 'completed' };
  return [
    { type: 'tool-start', ...which, input: readable(input) },
    { type: 'tool-end', ...which, ...end },
  ];
}

function endOf(code: number | null, problem: string): PromptEvent {
  if (code === 0) return { type: 'prompt-end', outcome: 'completed' };
  return { type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED', message: problem || `It ended with ${code}.` };
}
