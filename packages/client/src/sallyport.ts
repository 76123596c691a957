import type {
  Claim,
  Claimed,
  ConnectLink,
  ConnectLinkRequest,
  Conversation,
  Credential,
  Disconnected,
  ExpectedPrompt,
  Import,
  Imported,
  LoginSummary,
  Machine,
  Prompt,
  PromptSummary,
  Provider,
  StartedLogin,
  StartLogin,
  UserToken,
  UserTokenRequest,
  WorkFile,
} from './api-types.ts';
import { list } from './list.ts';
import type { ListOptions } from './list.ts';
import { createLogin } from './login.ts';
import type { Login, NewLogin } from './login.ts';
import { createPromptRun } from './prompt-run.ts';
import type { PromptRun } from './prompt-run.ts';
import { createSend, readJson } from './request.ts';
import type { TokenSource } from './request.ts';
import { createRead, retrying } from './retry.ts';

export interface SallyportOptions {
  /** Where the server is, such as `https://connect.example.com`. */
  readonly baseUrl: string;
  /**
   * An API key (in a backend), a user token, or a function that returns the current user token. A server that serves its
   * operator alone needs none.
   */
  readonly token?: TokenSource;
  /** The user that calls act for, if the token is an API key. A request may name another one. */
  readonly userId?: string;
  /**
   * Attempts in a row to reach the server before a stream, or a call that changes nothing if it is sent again, fails. Default
   * 20, which is about a minute and a half.
   */
  readonly retries?: number;
  /** Default: the runtime's own. */
  readonly fetch?: typeof fetch;
}

/** A request for a user. Default: the `userId` of the client. */
export type ForUser<Request extends { readonly userId?: string | undefined }> = Omit<Request, 'userId'> &
  Partial<Pick<Request, 'userId'>>;

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** The HTTP API of a Sallyport server. Every method throws a {@link SallyportError}. */
export interface Sallyport {
  /** Tells the server that the user may log in soon, to any provider or to this one. The login then starts sooner. */
  prepare(provider?: string): Promise<void>;
  /** Starts a login. The answer comes at once; iterate it for what happens. */
  connect(request: StartLogin, options?: CallOptions): Promise<NewLogin>;
  /** A login that was started before, for instance by a page that was reloaded. */
  login(sessionId: string, options?: CallOptions): Login;
  /**
   * Tells the server that such a prompt may come soon. The user's machine wakes, and the CLI waits there: the prompt is answered
   * sooner by the time that both take to start.
   */
  preparePrompt(expected: ExpectedPrompt): Promise<void>;
  /** A new prompt. It is sent when it is iterated or its result is asked for. */
  prompt(request: Prompt, options?: CallOptions): PromptRun;
  /** A prompt that was sent before. */
  promptRun(promptId: string, options?: CallOptions): PromptRun;
  /** The user's logins, under way and ended, newest first. */
  logins(options?: ListOptions): AsyncIterable<LoginSummary>;
  /** The user's prompts, running and ended, newest first. */
  prompts(options?: ListOptions): AsyncIterable<PromptSummary>;
  /** The user's conversations, the last one that was begun first. */
  conversations(options?: ListOptions): AsyncIterable<Conversation>;
  providers(): Promise<readonly Provider[]>;
  credentials(): Promise<readonly Credential[]>;
  importCredential(provider: string, request: Import): Promise<Imported>;
  disconnect(provider: string): Promise<Disconnected>;
  machines(): Promise<readonly Machine[]>;
  machine(vmId: string): Promise<Machine>;
  /** What lies in a directory of a running machine's `~/work`, by name. Throws `MACHINE_ASLEEP` if it does not run. */
  files(vmId: string, options?: ListOptions & { readonly path?: string | undefined }): AsyncIterable<WorkFile>;
  /** The answer with a file of a running machine's `~/work`, of up to 50 MiB. Read its body with `text()`, `blob()` or as a stream. */
  readFile(vmId: string, path: string, options?: CallOptions): Promise<Response>;
  hibernateMachine(vmId: string): Promise<void>;
  wakeMachine(vmId: string): Promise<void>;
  destroyMachine(vmId: string): Promise<void>;
  /** With an API key: makes a link to a page of the server where the user connects a provider. */
  createConnectLink(request: ForUser<ConnectLinkRequest>): Promise<ConnectLink>;
  /** With an API key: gives the login of a link to the user who has returned with its code. */
  claim(request: ForUser<Claim>): Promise<Claimed>;
  /** With an API key: makes a token with which a user calls the server. */
  createUserToken(request: ForUser<UserTokenRequest>): Promise<UserToken>;
  /** With an API key: erases a user with everything stored of them. */
  eraseUser(userId: string): Promise<void>;
}

export function createSallyport(options: SallyportOptions): Sallyport {
  const { userId, retries = 20 } = options;
  const send = createSend(options);
  const read = createRead(send, retries);
  const query = { userId };
  const ofUser = userId === undefined ? {} : { userId };
  const machine = (vmId: string): string => `/api/vms/${encodeURIComponent(vmId)}`;
  const change = (action: string) => async (vmId: string) =>
    void (await send('POST', `${machine(vmId)}/${action}`, { query }));
  const credential = (provider: string): string => `/api/credentials/${encodeURIComponent(provider)}`;

  return {
    prepare: async (provider) => void (await send('POST', '/api/auth/prepare', { body: { ...ofUser, provider } })),
    connect: async (request, { signal } = {}) => {
      const headers = onlyOnce();
      const body = { ...ofUser, ...request };
      const answer = retrying(() => send('POST', '/api/auth/start', { body, headers, signal }), retries, signal);
      const started = await readJson<StartedLogin>(answer);
      return { ...createLogin(send, started.sessionId, retries, signal), started };
    },
    login: (sessionId, { signal } = {}) => createLogin(send, sessionId, retries, signal),
    preparePrompt: async (expected) =>
      void (await send('POST', '/api/vm/cli/prepare', { body: { ...ofUser, ...expected } })),
    prompt: (request, { signal } = {}) => {
      const once = onlyOnce();
      const body = { ...ofUser, ...request };
      return createPromptRun(
        send,
        {
          start: (headers, aborted) =>
            send('POST', '/api/vm/cli/prompt', { body, headers: { ...headers, ...once }, signal: aborted }),
        },
        retries,
        signal,
      );
    },
    promptRun: (promptId, { signal } = {}) => createPromptRun(send, { promptId }, retries, signal),
    logins: (asked) => list(read, '/api/auth/sessions', userId, asked),
    prompts: (asked) => list(read, '/api/vm/cli/prompts', userId, asked),
    conversations: (asked) => list(read, '/api/vm/cli/conversations', userId, asked),
    providers: () => read('/api/providers', { query }),
    credentials: () => read('/api/credentials', { query }),
    importCredential: (provider, request) =>
      readJson(send('POST', credential(provider), { body: { ...ofUser, ...request } })),
    disconnect: (provider) => readJson(send('DELETE', credential(provider), { query })),
    machines: () => read('/api/vms', { query }),
    machine: (vmId) => read(machine(vmId), { query }),
    files: (vmId, { path, ...asked } = {}) => list(read, `${machine(vmId)}/files`, userId, asked, { path }),
    readFile: (vmId, path, { signal } = {}) =>
      send('GET', `${machine(vmId)}/files/content`, { query: { ...query, path }, signal }),
    hibernateMachine: change('hibernate'),
    wakeMachine: change('wake'),
    destroyMachine: change('destroy'),
    createConnectLink: (body) => readJson(send('POST', '/api/connect-links', { body: { ...ofUser, ...body } })),
    claim: (body) => readJson(send('POST', '/api/connect-links/claim', { body: { ...ofUser, ...body } })),
    createUserToken: (body) => readJson(send('POST', '/api/user-tokens', { body: { ...ofUser, ...body } })),
    eraseUser: async (id) => void (await send('DELETE', `/api/users/${encodeURIComponent(id)}`)),
  };
}

/** Sent again with the same key, a request creates nothing more. `crypto.randomUUID` is missing on pages without TLS. */
function onlyOnce(): Readonly<Record<string, string>> {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { 'idempotency-key': [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
}
