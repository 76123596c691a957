import type { PromptEvent, LoginEvent } from '@sallyport/core';

/** The public API as a program would call it: no Origin, JSON in, JSON or events out. */
export interface Api {
  get(path: string): Promise<{ readonly status: number; readonly body: any }>;
  post(
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: any; readonly headers: Headers }>;
  remove(path: string): Promise<{ readonly status: number; readonly body: any }>;
  /** The whole stream of a session's events, until its end or the signal. */
  sessionEvents(
    sessionId: string,
    onEvent: (event: LoginEvent) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Runs a prompt to its end. */
  prompt(body: Readonly<Record<string, unknown>>): Promise<PromptRun>;
}

export interface PromptRun {
  readonly events: readonly PromptEvent[];
  readonly text: string;
  readonly end: Extract<PromptEvent, { type: 'prompt-end' }>;
  readonly conversationId: string | undefined;
}

export function createApi(origin: string): Api {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: any; headers: Headers }> => {
    const response = await fetch(origin + path, {
      method,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, body),
    remove: (path) => call('DELETE', path),
    sessionEvents: async (sessionId, onEvent, signal) => {
      const response = await fetch(`${origin}/api/auth/session/${sessionId}/events`, signal ? { signal } : {});
      for await (const { data } of readEvents(response)) await onEvent(JSON.parse(data));
    },
    prompt: async (body) => {
      const response = await fetch(`${origin}/api/vm/cli/prompt`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`The prompt was answered ${response.status}: ${await response.text()}`);
      const events: PromptEvent[] = [];
      for await (const { data } of readEvents(response)) events.push(JSON.parse(data));
      return summarise(events);
    },
  };
}

function summarise(events: readonly PromptEvent[]): PromptRun {
  const end = events.at(-1);
  if (end?.type !== 'prompt-end')
    throw new Error(`The stream ended without prompt-end: ${JSON.stringify(events.at(-1))}`);
  const text = events.flatMap((event) => (event.type === 'text' ? [event.text] : [])).join('');
  const conversation = events.find((event) => event.type === 'conversation');
  return { events, text, end, conversationId: conversation?.conversationId };
}

/** Server-sent events of a response (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export async function* readEvents(response: Response): AsyncGenerator<{ readonly id: string; readonly data: string }> {
  if (!response.body) return;
  let buffered = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    buffered += decoder.decode(bytes, { stream: true });
    for (let end = buffered.indexOf('\n\n'); end >= 0; end = buffered.indexOf('\n\n')) {
      const fields = buffered.slice(0, end).split('\n');
      buffered = buffered.slice(end + 2);
      const data = fields
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6))
        .join('\n');
      const id = fields.find((line) => line.startsWith('id: '))?.slice(4) ?? '';
      if (data !== '') yield { id, data };
    }
  }
}
