import { SallyportError } from '@sallyport/core';
import type {
  AgentClient,
  AgentEvent,
  ExecuteEvent,
  ExecuteRequest,
  StartLoginRequest,
} from '@sallyport/core/protocol';
import type { CredentialFiles, CredentialItem } from '@sallyport/core/provider';

import { listFakeFiles, readFakeFile } from './fake-files.ts';
import { createEventFeed } from './event-feed.ts';

/** What the agent of a fake machine does when it is asked. Everything has a harmless default. */
export interface FakeAgentScript {
  /** What the console of a machine shows at its end. Default: nothing. */
  console?: string;
  /** Default: answers at once. */
  health?(signal: AbortSignal): Promise<void>;
  /** Default: answers that there is no link, and leaves the rest to {@link FakeAgent.emit}. */
  startLogin?(request: StartLoginRequest, agent: FakeAgent, signal: AbortSignal): Promise<void>;
  answer?(promptId: string, value: string): Promise<void>;
  openPage?(url: string): Promise<void>;
  callback?(query: URLSearchParams): Promise<boolean>;
  watch?(provider: string): Promise<void>;
  acknowledge?(offerId: string): Promise<void>;
  /** Default: prints the prompt and ends well. */
  execute?(request: ExecuteRequest, agent: FakeAgent, signal: AbortSignal): AsyncIterable<ExecuteEvent>;
  /** Texts in `~/work`, by their path below it. Default: none. */
  workFiles?: Readonly<Record<string, string>>;
}

/** The agent of one boot of a fake machine, steered by a test. */
export interface FakeAgent {
  readonly client: AgentClient;
  /** What was asked of it, as `name detail`, in order. */
  readonly calls: readonly string[];
  /** Session of the login it was told to start last. */
  readonly sessionId: string | undefined;
  readonly acknowledged: readonly string[];
  /** Readers of the event stream that are still there. */
  readonly readers: number;
  emit(event: AgentEvent): void;
  /** Offers a credential and returns the id of the offer: of the login where one was started, else of a rotation. */
  offer(provider: string, files: CredentialFiles): string;
}

export interface FakeAgentControl extends FakeAgent {
  /** The machine has ended: streams end, and whatever is asked fails. */
  end(): void;
}

export function createFakeAgent(
  script: FakeAgentScript,
  readCredential: (provider: string, items: readonly CredentialItem[]) => CredentialFiles,
): FakeAgentControl {
  const calls: string[] = [];
  const acknowledged: string[] = [];
  const feed = createEventFeed<AgentEvent>();
  const over = new AbortController();
  let sessionId: string | undefined;
  let offers = 0;
  let readers = 0;

  /** Notes the call, and fails it when the machine has ended or ends meanwhile. */
  async function call<T>(
    name: string,
    work: (signal: AbortSignal) => Promise<T> | T,
    signal?: AbortSignal,
  ): Promise<T> {
    calls.push(name);
    const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    either.throwIfAborted();
    return orAborted(either, Promise.resolve(work(either)));
  }

  const agent: FakeAgentControl = {
    calls,
    acknowledged,
    get sessionId() {
      return sessionId;
    },
    get readers() {
      return readers;
    },
    emit: (event) => feed.push(event),
    offer: (provider, files) => {
      offers += 1;
      const offerId = `offer-${offers}`;
      feed.push({
        type: 'credential.offered',
        offerId,
        provider,
        files: { ...files },
        ...(sessionId !== undefined && { sessionId }),
      });
      return offerId;
    },
    end: () => {
      over.abort(new SallyportError('AGENT_UNREACHABLE', 'The fake machine does not run.'));
      feed.end();
    },
    client: {
      health: (signal) =>
        call(
          'health',
          async (either) => {
            await script.health?.(either);
            return { status: 'ok', timestamp: new Date(0).toISOString(), activeSessions: 0 };
          },
          signal,
        ),
      startLogin: (provider, request, signal) => {
        ({ sessionId } = request);
        return call(
          `startLogin ${provider} ${request.method.id}`,
          async (either) => {
            await script.startLogin?.(request, agent, either);
            return { success: true, oauthUrl: null, userCode: null };
          },
          signal,
        );
      },
      answer: (_provider, { promptId, value }) =>
        call(`answer ${promptId} ${value}`, () => script.answer?.(promptId, value)),
      cancelLogin: (provider) => call(`cancelLogin ${provider}`, () => undefined),
      callback: (query, signal) => call(`callback ${query.toString()}`, () => script.callback?.(query) ?? true, signal),
      openPage: (url) => call(`openPage ${url}`, () => script.openPage?.(url)),
      watchCredentials: (provider) => call(`watch ${provider}`, () => script.watch?.(provider)),
      acknowledge: (offerId) =>
        call(`acknowledge ${offerId}`, async () => {
          await script.acknowledge?.(offerId);
          acknowledged.push(offerId);
        }),
      capture: (provider, items) =>
        call(`capture ${provider}`, () => {
          const files = readCredential(provider, items);
          return Object.keys(files).length > 0 ? files : undefined;
        }),
      events: async function* (signal) {
        readers += 1;
        try {
          yield* feed.read(signal);
        } finally {
          readers -= 1;
        }
      },
      execute: async function* (request, signal) {
        calls.push(`execute ${request.prompt}`);
        over.signal.throwIfAborted();
        const either = AbortSignal.any([signal, over.signal]);
        yield* script.execute?.(request, agent, either) ?? echo(request);
      },
      startAhead: (request, signal) => call(`startAhead ${request.argv.join(' ')}`, () => undefined, signal),
      endWaiting: () => call('endWaiting', () => undefined),
      listFiles: (request) => call(`listFiles ${request.path}`, () => listFakeFiles(script.workFiles, request)),
      readFile: (path, signal) => call(`readFile ${path}`, () => readFakeFile(script.workFiles, path, signal), signal),
      upgradeDesktop: () =>
        call('upgradeDesktop', () => {
          throw new SallyportError('MACHINE_UNSUPPORTED', 'A fake machine has no desktop to look at.');
        }),
    },
  };
  return agent;
}

/** In the words of the fake CLI: a run that says nothing its parser can read has not worked. */
async function* echo(request: ExecuteRequest): AsyncGenerator<ExecuteEvent> {
  yield { type: 'stdout', line: JSON.stringify({ type: 'text', text: request.prompt }) };
  yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
}

function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
