import type { LoginEvent, LoginStatus, StartedLogin, ViewerTicket } from './api-types.ts';
import { follow } from './follow.ts';
import type { FollowOptions, WithId } from './follow.ts';
import { readJson } from './request.ts';
import type { Send } from './request.ts';
import { createRead } from './retry.ts';

/** A login session. Iterating it gives its events from the first to `done`. */
export interface Login extends AsyncIterable<WithId<LoginEvent>> {
  readonly sessionId: string;
  events(options?: FollowOptions): AsyncGenerator<WithId<LoginEvent>, void>;
  status(): Promise<LoginStatus>;
  /** Answers a question of the CLI, which came as a `prompt` event. */
  answer(promptId: string, value: string): Promise<void>;
  cancel(): Promise<void>;
  /** Opens the WebSocket of the login machine's screen once. */
  viewerTicket(): Promise<ViewerTicket>;
}

export interface NewLogin extends Login {
  /** What the server answered to the start: where to send the user. */
  readonly started: StartedLogin;
}

export function createLogin(send: Send, sessionId: string, retries: number, signal?: AbortSignal): Login {
  const path = `/api/auth/session/${encodeURIComponent(sessionId)}`;
  const read = createRead(send, retries);
  const events = (options: FollowOptions = {}): AsyncGenerator<WithId<LoginEvent>, void> =>
    follow<LoginEvent>(
      {
        open: (after, aborted) => send('GET', `${path}/events`, { headers: resumeBehind(after), signal: aborted }),
        isLast: ({ type }) => type === 'done',
      },
      { signal, ...options },
      retries,
    );
  return {
    sessionId,
    events,
    [Symbol.asyncIterator]: () => events(),
    status: () => read(`${path}/status`),
    answer: async (promptId, value) => void (await send('POST', `${path}/answer`, { body: { promptId, value } })),
    cancel: async () => void (await send('POST', `${path}/cancel`)),
    viewerTicket: () => readJson(send('POST', `${path}/ticket`)),
  };
}

export function resumeBehind(after: number): Readonly<Record<string, string>> {
  return { accept: 'text/event-stream', ...(after > 0 && { 'last-event-id': String(after) }) };
}
