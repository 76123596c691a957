import type {
  linkPageSchema,
  loginStatusSchema,
  providerListSchema,
  startedLoginSchema,
  startLoginBodySchema,
  viewerTicketSchema,
} from '@sallyport/core/protocol';
import type { problemSchema } from '@sallyport/core/protocol';
import { createSallyport, SallyportError } from '@sallyport/client';
import type { Disconnected, ExpectedPrompt, LoginEvent, Prompt, PromptEvent, TokenSource } from '@sallyport/client';
import type { z } from 'zod';

import { openDesktopWith } from './open-desktop.ts';

export type Provider = z.infer<typeof providerListSchema>[number];
export type MethodChoice = Provider['methods'][number];
export type LinkPage = z.infer<typeof linkPageSchema>;
export type LoginStatus = z.infer<typeof loginStatusSchema>;
export type StartLogin = z.infer<typeof startLoginBodySchema>;
export type StartedLogin = z.infer<typeof startedLoginSchema>;

/** A failure the server described (RFC 9457), or that of reaching it. */
export class Problem extends Error {
  readonly code: string;
  /** Of the answer; 0 where there was none. */
  readonly status: number;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(body: Partial<z.infer<typeof problemSchema>>) {
    super(body.detail ?? body.title ?? 'The server did not say what went wrong.');
    this.name = 'Problem';
    this.code = body.code ?? 'UNKNOWN';
    this.status = body.status ?? 0;
    this.hint = body.hint ?? '';
    this.details = body.details ?? {};
  }
}

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SallyportError) {
    const { code, details, hint, message, status } = error;
    return new Problem({ detail: message, code, hint, status, details });
  }
  return new Problem({
    detail: 'The server cannot be reached.',
    hint: 'Check your connection and that the server is running, then try again.',
    code: 'UNREACHABLE',
  });
}

export type Api = ReturnType<typeof createApi>;

/**
 * The public HTTP API, as far as the page uses it. `base` is the server's origin; empty is the page's own. Without a token,
 * the server takes the caller for its operator, or refuses.
 */
export function createApi(base: string, token?: TokenSource) {
  const address = (path: string): string => new URL(path, base || location.href).href;

  async function call(method: string, path: string, init: RequestInit = {}, body?: object): Promise<Response> {
    const headers = new Headers(init.headers);
    if (body) headers.set('content-type', 'application/json');
    if (token !== undefined)
      headers.set('authorization', `Bearer ${typeof token === 'string' ? token : await token()}`);
    const response = await fetch(address(path), { ...init, method, headers, body: body ? JSON.stringify(body) : null });
    if (response.ok) return response;
    const isProblem = response.headers.get('content-type')?.includes('json') ?? false;
    const { status } = response;
    throw new Problem(isProblem ? await response.json() : { detail: `The server answered ${status}.`, status });
  }
  const session = (id: string): string => `/api/auth/session/${encodeURIComponent(id)}`;
  const prompt = (id: string): string => `/api/vm/cli/prompt/${encodeURIComponent(id)}`;
  const options = { baseUrl: address('/'), ...(token !== undefined && { token }) };
  const client = createSallyport(options);
  // A login may take a quarter of an hour, and so may a network to come back.
  const patient = createSallyport({ ...options, retries: Infinity });

  return {
    openLink: async (linkToken: string | undefined): Promise<LinkPage> =>
      await (await call('POST', '/api/connect-links/open', {}, { token: linkToken })).json(),
    startLinkLogin: async (body: object): Promise<LinkPage> =>
      await (await call('POST', '/api/connect-links/current/login', {}, body)).json(),
    returnFromLink: async (): Promise<{ readonly url: string }> =>
      await (await call('POST', '/api/connect-links/current/return', {}, {})).json(),
    providers: async (): Promise<Provider[]> => await (await call('GET', '/api/providers')).json(),
    /** The user may log in soon. */
    prepare: async (provider: string | undefined): Promise<void> =>
      void (await call('POST', '/api/auth/prepare', {}, { provider })),
    /** The user may send a prompt soon. */
    preparePrompt: async (expected: ExpectedPrompt): Promise<void> =>
      void (await call('POST', '/api/vm/cli/prepare', {}, expected)),
    start: async (body: StartLogin): Promise<StartedLogin> =>
      await (await call('POST', '/api/auth/start', {}, body)).json(),
    status: async (id: string): Promise<LoginStatus> => await (await call('GET', `${session(id)}/status`)).json(),
    followLogin: (id: string, signal: AbortSignal): AsyncIterable<LoginEvent> => patient.login(id, { signal }),
    answer: async (id: string, promptId: string, value: string): Promise<void> =>
      void (await call('POST', `${session(id)}/answer`, {}, { promptId, value })),
    cancel: async (id: string): Promise<void> => void (await call('POST', `${session(id)}/cancel`, {}, {})),
    disconnect: async (provider: string): Promise<Disconnected> =>
      await (await call('DELETE', `/api/credentials/${encodeURIComponent(provider)}`)).json(),

    /** Opens the desktop's WebSocket with a fresh one-use ticket. */
    openDesktop: async (id: string, signal: AbortSignal): Promise<WebSocket> => {
      const response = await call('POST', `${session(id)}/ticket`, { signal }, {});
      const { ticket }: z.infer<typeof viewerTicketSchema> = await response.json();
      return openDesktopWith(ticket, id, base);
    },

    /** A new prompt, or one that runs already. */
    followPrompt: (source: Prompt | string, signal: AbortSignal): AsyncIterable<PromptEvent> =>
      typeof source === 'string' ? client.promptRun(source, { signal }) : client.prompt(source, { signal }),
    cancelPrompt: async (id: string): Promise<void> => void (await call('DELETE', prompt(id))),
  };
}
