import type { PromptEvent } from '@sallyport/core';

import { Problem } from './api.ts';
import type { Api } from './api.ts';
import { readEvents } from './sse.ts';
import { backOff, wait } from './wait.ts';

/** Attempts in a row that bring no event, before the stream is given up. */
const MOST_FAILURES = 8;

export interface PromptRequest {
  readonly provider: string;
  readonly prompt: string;
  readonly conversationId?: string;
  readonly tools: string;
}

/**
 * The events of a prompt, from its first to `prompt-end`. A broken connection is resumed behind the last event: the
 * prompt itself goes on in its machine. `source` is a new prompt, or the id of one that already runs.
 */
export async function* followPrompt(
  api: Api,
  source: PromptRequest | string,
  signal: AbortSignal,
): AsyncGenerator<PromptEvent> {
  let promptId = typeof source === 'string' ? source : '';
  let lastId = '';
  for (let failures = 0; failures < MOST_FAILURES; failures++) {
    await wait(backOff(failures), signal);
    try {
      const response = await (promptId === '' && typeof source !== 'string'
        ? api.prompt(source, signal)
        : api.promptEvents(promptId, lastId, signal));
      promptId ||= response.headers.get('location')?.split('/').at(-1) ?? '';
      if (!response.body) throw new Problem({ detail: 'The server sent an answer without content.' });
      for await (const { data, id } of readEvents(response.body)) {
        const event: PromptEvent = JSON.parse(data);
        if (event.type === 'prompt-start') promptId = event.promptId;
        lastId = id;
        failures = 0;
        yield event;
        if (event.type === 'prompt-end') return;
      }
    } catch (error) {
      // The server said no, or the prompt was never taken: asking again would run it twice.
      if (signal.aborted || error instanceof Problem || promptId === '') throw error;
    }
  }
  throw new Problem({ detail: 'The connection to the answer was lost.', hint: 'Reload the page to see the rest.' });
}
