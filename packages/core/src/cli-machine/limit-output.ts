import { SallyportError } from '../base/errors.ts';
import type { ExecuteEvent } from '../protocol/agent-api.ts';

/** What a user reads of a run that was ended because of a limit, whether its agent has ended it or the server. */
export const limitWords = {
  timeout: 'The CLI took longer than this deployment allows and was ended.',
  'output-limit': 'The CLI printed more than this deployment allows and was ended.',
  'event-limit': 'The CLI printed more lines than this deployment allows and was ended.',
} as const;

export function overLimit(limit: keyof typeof limitWords): SallyportError {
  return new SallyportError('PROMPT_FAILED', limitWords[limit], {
    hint: 'Ask for less at a time, or have the operator raise the limit.',
  });
}

/**
 * Passes on what a run prints, up to so many bytes, and throws `PROMPT_FAILED` past them. The agent has the same limit, but
 * is inside a machine that may be hostile. It counts all that a CLI prints, with what it leaves out, so it is the first to
 * end a run. To leave the stream ends the run.
 */
export async function* limitOutput(
  events: AsyncIterable<ExecuteEvent>,
  maxOutputBytes: number,
): AsyncGenerator<ExecuteEvent> {
  let bytes = 0;
  for await (const event of events) {
    bytes += sizeOf(event);
    if (bytes > maxOutputBytes) throw overLimit('output-limit');
    yield event;
  }
}

/** In bytes. An empty line counts as one: it was ended by one. */
function sizeOf(event: ExecuteEvent): number {
  if (event.type === 'exit') return 0;
  return Math.max(1, Buffer.byteLength(event.type === 'rpc' ? JSON.stringify(event.message) : event.line));
}
