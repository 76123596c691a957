import type { StartPrompt } from './start-prompt.ts';
import { randomUUID } from 'node:crypto';

import { loginNeeded } from '../credentials/login-needed.ts';
import { SallyportError } from '../base/errors.ts';
import { findResumePoint, followJournal } from '../runtime/journal-stream.ts';
import type { Journal, ResumePoint } from '../runtime/journal-stream.ts';
import { cliMemoryMb } from '../cli-machine/cli-machine-needs.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { Provider } from '../contracts/provider.ts';
import { checkLimit } from '../runtime/limits.ts';
import type { CliRuntime } from '../cli-machine/cli-runtime.ts';
import type { JournalEntry, NewPrompt, PromptRecord } from '../contracts/store.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import { beginPromptJournal, promptTopic } from './journal.ts';
import { createPromptPlaces } from './places.ts';
import type { PromptPlace } from './places.ts';
import { createPreparations } from './preparations.ts';
import type { ExpectedPrompt } from './preparations.ts';
import { checkProjectSettings } from './project-settings.ts';
import { runInTurn } from './run-in-turn.ts';

export interface Prompts {
  /**
   * Checks and writes the prompt, then runs it in the background: a reader may leave and come back. It waits in order
   * where the user's machine has no place for it. Throws `MACHINE_BUSY` where too many wait already.
   */
  start(request: StartPrompt): Promise<PromptRecord>;
  /**
   * Gets the user's machine and the CLI ready for a prompt that may come soon, in the background. Throws what such a prompt
   * would be refused with. Does nothing while a prompt of the user is under way.
   */
  prepare(expected: ExpectedPrompt): Promise<void>;
  /** With a user: what belongs to another does not exist. */
  get(promptId: string, userId?: string): Promise<PromptRecord>;
  events(promptId: string, afterId: number, signal: AbortSignal): AsyncGenerator<JournalEntry<PromptEvent>>;
  /** What follows the event with this id. */
  resumePoint(promptId: string, eventId: number): Promise<ResumePoint>;
  cancel(promptId: string): Promise<void>;
  /**
   * Waits for the running prompts of one provider to end by themselves. Those that take too long end with the given
   * error, and those that wait for a place at once.
   */
  drain(provider: string, reason: () => SallyportError): Promise<void>;
  /**
   * Ends a user's prompts, with one provider or with all, those included that are being sent, and waits until their ends
   * are written.
   */
  endOf(userId: string, provider: string | undefined, reason: () => SallyportError): Promise<void>;
  /** Ends a user's prompts that wait for a place on the machine, and waits until their ends are written. */
  endWaiting(userId: string, reason: () => SallyportError): Promise<void>;
  /** Ends every prompt of this process with the given error, refuses new ones, and waits. */
  endAll(reason: () => SallyportError): Promise<void>;
}

const PAGE = 500;

interface LivePrompt {
  readonly userId: string;
  readonly provider: string;
  readonly place: PromptPlace;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export function createPrompts(runtime: CliRuntime, machines: CliMachines): Prompts {
  const live = new Map<string, LivePrompt>();
  const starting = new Map<Promise<unknown>, Pick<LivePrompt, 'userId' | 'provider'>>();
  const { random, settings } = runtime;
  const places = createPromptPlaces({ random, maxWaiting: settings.limits.waitingPrompts });
  const preparations = createPreparations(runtime, machines);
  let ending: (() => SallyportError) | undefined;

  async function start(request: StartPrompt): Promise<PromptRecord> {
    checkPrompt(request.prompt);
    const provider = await admit(request);
    const prompt = {
      promptId: request.promptId ?? randomUUID(),
      userId: request.userId,
      host: runtime.host,
      provider: provider.manifest.id,
    };
    return begin({ ...prompt, conversationId: request.conversationId ?? null }, provider, request);
  }

  /** Throws where no such prompt of the user could run. */
  async function admit({ userId, provider: name, projectSettings }: ExpectedPrompt): Promise<Provider> {
    const provider = runtime.registry.get(name);
    const { id, title } = provider.manifest;
    if (ending) throw ending();
    runtime.gate.check(id);
    checkProjectSettings(projectSettings, provider.manifest, settings.ceiling);
    const credential = await runtime.store.credentials.current(userId, id);
    if (!credential) throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} is not connected.`);
    if (!credential.valid) throw loginNeeded(title, credential.invalidReason);
    // Refused here, the caller gets a 429 instead of a stream that ends at once.
    if (!machines.isUp(userId)) await runtime.admission.check({ memoryMb: cliMemoryMb([provider.manifest]), vcpus: 1 });
    return provider;
  }

  async function prepare(expected: ExpectedPrompt): Promise<void> {
    const provider = await admit(expected);
    const { userId } = expected;
    // The provider may have been switched off while its login was looked up.
    if (ending || runtime.gate.closed(provider.manifest.id)) return;
    if ([...live.values()].some((prompt) => prompt.userId === userId)) return;
    preparations.begin(provider, expected);
  }

  /** The user waits for every write before the CLI starts: the machine is looked for while the prompt is written. */
  function begin(prompt: NewPrompt, provider: Provider, request: StartPrompt): Promise<PromptRecord> {
    checkLimit('prompts under way', live.size, settings.limits.prompts);
    const { promptId, userId } = prompt;
    const place = places.join(userId);
    const journal = beginPromptJournal(runtime, prompt, request.projectSettings);
    const abort = new AbortController();
    journal.record.catch((error: unknown) => abort.abort(error));
    // The provider may have been switched off while its login was looked up.
    const refusal = ending?.() ?? runtime.gate.closed(prompt.provider);
    if (refusal) abort.abort(refusal);
    const done = runInTurn(runtime, machines, {
      journal,
      place,
      provider,
      request,
      promptId,
      signal: abort.signal,
    }).finally(() => live.delete(promptId));
    live.set(promptId, { userId, provider: prompt.provider, place, abort, done });
    return journal.record;
  }

  function checkPrompt(prompt: string): void {
    if (prompt.trim() === '')
      throw new SallyportError('REQUEST_INVALID', 'The prompt is empty.', { hint: 'Send some text in `prompt`.' });
    const bytes = Buffer.byteLength(prompt);
    const limit = runtime.settings.maxPromptBytes;
    if (bytes > limit)
      throw new SallyportError('PROMPT_TOO_LARGE', `The prompt has ${bytes} bytes; the limit is ${limit}.`);
  }

  async function get(promptId: string, userId?: string): Promise<PromptRecord> {
    const record = await runtime.store.prompts.get(promptId);
    if (!record || (userId ?? record.userId) !== record.userId)
      throw new SallyportError('PROMPT_UNKNOWN', 'There is no such prompt.');
    return record;
  }

  async function endThose(isMeant: (prompt: LivePrompt) => boolean, reason: () => SallyportError): Promise<void> {
    const theirs = [...live.values()].filter(isMeant);
    for (const { abort } of theirs) abort.abort(reason());
    await Promise.all(theirs.map(({ done }) => done));
  }

  const journalOf = (promptId: string): Journal<PromptEvent> => ({
    topic: promptTopic(promptId),
    read: (after) => runtime.store.prompts.events(promptId, after, PAGE),
    pageSize: PAGE,
    isLast: (event) => event.type === 'prompt-end',
    isOver: async () => (await get(promptId)).status !== 'running',
  });

  return {
    start: async (request) => {
      const { userId } = request;
      const provider = runtime.registry.get(request.provider).manifest.id;
      const started = runtime.userGate.enter(userId, () => start(request));
      starting.set(started, { userId, provider });
      return started.finally(() => starting.delete(started));
    },
    prepare: async (expected) => {
      const { userId } = expected;
      const provider = runtime.registry.get(expected.provider).manifest.id;
      const started = runtime.userGate.enter(userId, () => prepare(expected));
      starting.set(started, { userId, provider });
      return started.finally(() => starting.delete(started));
    },
    get,
    events: (promptId, afterId, signal) =>
      followJournal(runtime.journalFeed, { ...journalOf(promptId), afterId, signal }),
    resumePoint: (promptId, eventId) => findResumePoint(journalOf(promptId), eventId),
    cancel: async (promptId) => {
      await get(promptId);
      const running = live.get(promptId);
      running?.abort.abort(new SallyportError('PROMPT_CANCELLED', 'The prompt was cancelled.'));
      await running?.done;
    },
    drain: async (provider, reason) => {
      await preparations.end((preparation) => preparation.provider === provider);
      const theirs = [...live.values()].filter((prompt) => prompt.provider === provider);
      for (const { place, abort } of theirs) if (place.isWaiting) abort.abort(reason());
      const ended = Promise.all(theirs.map(({ done }) => done));
      const patience = new AbortController();
      const timeUp = runtime.clock
        .sleep(runtime.settings.drainMs, AbortSignal.any([patience.signal, runtime.closing]))
        .catch(() => undefined);
      await Promise.race([ended, timeUp]);
      patience.abort();
      for (const { abort } of theirs) abort.abort(reason());
      await ended;
    },
    endOf: async (userId, provider, reason) => {
      const isTheirs = (prompt: Pick<LivePrompt, 'userId' | 'provider'>): boolean =>
        prompt.userId === userId && (provider === undefined || prompt.provider === provider);
      const sent = [...starting].flatMap(([started, prompt]) => (isTheirs(prompt) ? [started] : []));
      await endThose(isTheirs, reason);
      await Promise.allSettled(sent);
      await preparations.end(isTheirs);
      await endThose(isTheirs, reason);
    },
    endWaiting: (userId, reason) => endThose((prompt) => prompt.userId === userId && prompt.place.isWaiting, reason),
    endAll: async (reason) => {
      ending = reason;
      for (const { abort } of live.values()) abort.abort(reason());
      await Promise.allSettled(starting.keys());
      await preparations.end(() => true);
      await Promise.all([...live.values()].map(({ done }) => done));
    },
  };
}
