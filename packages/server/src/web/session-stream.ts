import type { LoginEvent } from '@sallyport/core';

import { Problem } from './api.ts';
import type { Api } from './api.ts';
import { readEvents } from './sse.ts';
import { backOff, wait } from './wait.ts';

/**
 * The events of a login session, from its first to `done`. A broken connection is resumed behind the last event, however long
 * it takes. Throws what the server answers, such as that it does not know the session any more.
 *
 * `EventSource` would do the same, but sends no `Authorization`.
 */
export async function* followSession(api: Api, sessionId: string, signal: AbortSignal): AsyncGenerator<LoginEvent> {
  let lastId = '';
  for (let failures = 0; ; failures++) {
    await wait(backOff(failures), signal);
    try {
      const response = await api.sessionEvents(sessionId, lastId, signal);
      // Nothing comes behind the last event.
      if (response.status === 204 || !response.body) return;
      for await (const { data, id } of readEvents(response.body)) {
        const event: LoginEvent = JSON.parse(data);
        lastId = id;
        failures = 0;
        yield event;
        if (event.type === 'done') return;
      }
    } catch (error) {
      if (signal.aborted || (error instanceof Problem && !isPassing(error))) throw error;
    }
  }
}

/** A server that is being restarted, or a database that is, answers again shortly. */
function isPassing({ status }: Problem): boolean {
  return status >= 500 || status === 429;
}
