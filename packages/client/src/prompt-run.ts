import type { PromptEvent } from './api-types.ts';
import { SallyportError } from './error.ts';
import { follow } from './follow.ts';
import type { FollowOptions, WithId } from './follow.ts';
import { resumeBehind } from './login.ts';
import type { Send } from './request.ts';

export interface PromptResult {
  readonly promptId: string;
  /** The whole answer. */
  readonly text: string;
  /** Continues the conversation with the next prompt; undefined if the CLI named none. */
  readonly conversationId: string | undefined;
}

/** A prompt. Iterating it gives its events from the first to `prompt-end`. */
export interface PromptRun extends AsyncIterable<WithId<PromptEvent>> {
  /** Undefined until its first event has arrived. */
  readonly promptId: string | undefined;
  events(options?: FollowOptions): AsyncGenerator<WithId<PromptEvent>, void>;
  /** Follows the prompt to its end. Throws a `SallyportError` with the code of the end if it did not complete. */
  result(): Promise<PromptResult>;
  /** Ends the prompt at the server. A prompt that was never iterated has not begun. */
  cancel(): Promise<void>;
}

export interface PromptSource {
  /** Of a prompt that runs already. */
  readonly promptId?: string;
  /** Sends the prompt. Sent again after a broken connection, it answers with the same prompt. */
  start?(headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
}

export function createPromptRun(send: Send, source: PromptSource, retries: number, signal?: AbortSignal): PromptRun {
  let { promptId } = source;
  const pathOf = (id: string): string => `/api/vm/cli/prompt/${encodeURIComponent(id)}`;

  async function open(after: number, aborted: AbortSignal): Promise<Response> {
    if (promptId !== undefined || !source.start)
      return send('GET', `${pathOf(promptId ?? '')}/events`, { headers: resumeBehind(after), signal: aborted });
    const response = await source.start({ accept: 'text/event-stream' }, aborted);
    promptId = response.headers.get('location')?.split('/').at(-1);
    return response;
  }

  async function* events(options: FollowOptions = {}): AsyncGenerator<WithId<PromptEvent>, void> {
    const isLast = ({ type }: PromptEvent): boolean => type === 'prompt-end';
    for await (const event of follow<PromptEvent>({ open, isLast }, { signal, ...options }, retries)) {
      // A page of another origin may not be able to read `Location`.
      if (event.type === 'prompt-start') promptId = event.promptId;
      yield event;
    }
  }

  return {
    get promptId() {
      return promptId;
    },
    events,
    [Symbol.asyncIterator]: () => events(),
    result: async () => {
      let text = '';
      let conversationId: string | undefined;
      for await (const event of events()) {
        if (event.type === 'text') text += event.text;
        if (event.type === 'conversation') ({ conversationId } = event);
        if (event.type === 'prompt-end' && event.outcome !== 'completed') throw endedBadly(event);
      }
      return { promptId: promptId ?? '', text, conversationId };
    },
    cancel: async () => {
      if (promptId !== undefined) await send('DELETE', pathOf(promptId));
    },
  };
}

function endedBadly({ code, message, hint, outcome }: Extract<PromptEvent, { type: 'prompt-end' }>): SallyportError {
  return new SallyportError({
    code: code ?? 'PROMPT_FAILED',
    detail: message ?? `The prompt ended as ${outcome}.`,
    hint: hint ?? '',
  });
}
