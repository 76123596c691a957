import { randomUUID } from 'node:crypto';

import { checkExclusion } from '../credentials/exclusion.ts';
import { SallyportError } from '../base/errors.ts';
import { findResumePoint, followJournal } from '../runtime/journal-stream.ts';
import type { Journal, ResumePoint } from '../runtime/journal-stream.ts';
import type { WarmPool } from '../browser-machine/warm-pool.ts';
import { checkLimit } from '../runtime/limits.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { liveSessionStatuses } from '../contracts/store.ts';
import type { LoginEvent } from '../contracts/login-event.ts';
import type { JournalEntry, SessionRecord } from '../contracts/store.ts';
import { browserMemoryMb } from '../browser-machine/start-browser-machine.ts';
import { rankMethods, automaticChoices } from './method-selection.ts';
import type { MethodChoice, MethodSelection } from './method-selection.ts';
import { runLogin } from './run-login.ts';
import type { LoginRun } from './login-run.ts';
import { createLiveSession, sessionTopic } from './session.ts';
import type { LiveSession } from './session.ts';

export interface StartLogin {
  /** Id of the new session, a UUID. Default: a random one. */
  readonly sessionId?: string | undefined;
  readonly userId: string;
  readonly externalId: string | null;
  readonly provider: string;
  /** A method id, or `method:display`. Absent: the selection chooses, and falls through on failure. */
  readonly method?: string | undefined;
  /** Id of the text the user was shown before; see `consentOf`. */
  readonly consent?: string | undefined;
  /** Whether a plan login may take the place of an API key, or the other way round. Default false. */
  readonly replace?: boolean | undefined;
  /** Whether the credential is kept aside until {@link HeldLogins.claim}. Default false: it is the user's at once. */
  readonly hold?: boolean | undefined;
}

export interface Logins {
  /** Writes the session and returns; everything slow happens afterwards. */
  start(request: StartLogin): Promise<SessionRecord>;
  /** The ways this user could log in here and now, best first. */
  selection(provider: string): MethodSelection;
  /** With a user: what belongs to another does not exist. */
  get(sessionId: string, userId?: string): Promise<SessionRecord>;
  events(sessionId: string, afterId: number, signal: AbortSignal): AsyncGenerator<JournalEntry<LoginEvent>>;
  /** What follows the event with this id. */
  resumePoint(sessionId: string, eventId: number): Promise<ResumePoint>;
  /** Throws `LOGIN_ANSWER_UNEXPECTED` where the user was not asked that, or has answered it. */
  answer(sessionId: string, promptId: string, value: string): Promise<void>;
  /** Ends the login and waits for the clean-up. Throws `LOGIN_SESSION_OVER` when it came too late. */
  cancel(sessionId: string): Promise<void>;
  /** The flow of a live session in this process, for the viewer. */
  live(sessionId: string): LiveSession | undefined;
  /** Ends the logins of one provider with the given error, and waits for the clean-up. */
  endFor(provider: string, reason: () => SallyportError): Promise<void>;
  /** Ends a user's logins with the given error, and waits for the clean-up. */
  endOf(userId: string, reason: () => SallyportError): Promise<void>;
  /** Ends every login of this process with the given error, refuses new ones, and waits for the clean-up. */
  endAll(reason: () => SallyportError): Promise<void>;
}

export function createLogins(runtime: Runtime, warmPool: WarmPool): Logins {
  const live = new Map<string, { readonly session: LiveSession; readonly done: Promise<void> }>();
  /** By the user who starts it. */
  const starting = new Map<Promise<unknown>, string>();
  let ending: (() => SallyportError) | undefined;

  const selection = (providerId: string, method?: string): MethodSelection => {
    const { credentials, logins } = runtime.registry.get(providerId).manifest;
    const { prefer } = runtime.settings;
    return rankMethods({ methods: logins, credentials, request: method, prefer, features: runtime.driver.features });
  };

  /** Those that are still being written count, so that many at once meet the limit too. */
  function checkLimits(userId: string): void {
    const { limits } = runtime.settings;
    const users = [...[...live.values()].map(({ session }) => session.userId), ...starting.values()];
    checkLimit('logins of this user under way', users.filter((each) => each === userId).length, limits.loginsPerUser);
    checkLimit('logins under way', users.length, limits.logins);
  }

  async function start(request: StartLogin): Promise<SessionRecord> {
    const provider = runtime.registry.get(request.provider);
    const { id } = provider.manifest;
    if (ending) throw ending();
    runtime.gate.check(id);
    const choices = await choose(selection(id, request.method).choices, request, id);
    const [first] = choices;
    if (!first) {
      throw new SallyportError(
        'LOGIN_METHOD_UNAVAILABLE',
        `No way to log in to ${provider.manifest.title} works on this host.`,
      );
    }
    const { replace = false, hold = false, userId, consent } = request;
    const kind = first.method.kind === 'api-key' ? 'api-key' : 'plan';
    if (!hold)
      await checkExclusion(runtime.store, { userId, provider: id, title: provider.manifest.title, kind, replace });
    if (!('item' in first.method))
      await runtime.admission.check({ memoryMb: browserMemoryMb(runtime, provider.manifest, first.display), vcpus: 1 });
    await runtime.store.users.ensure(userId, request.externalId);
    const login = {
      sessionId: request.sessionId ?? randomUUID(),
      userId,
      provider: id,
      method: first.method.id,
      display: first.display,
    };
    const { audit, announce } = runtime.noteEvent({
      type: 'login.started',
      ...login,
      ...(consent !== undefined && { consent }),
    });
    const record = await runtime.store.sessions.create(
      { ...login, host: runtime.host, browserMachineId: null, phase: 'accepted' },
      audit,
    );
    announce();
    begin(record, { provider, choices, replace, hold });
    return record;
  }

  function begin(record: SessionRecord, run: Omit<LoginRun, 'session' | 'warmPool'>): void {
    const { sessionId } = record;
    const session = createLiveSession(runtime, record);
    // The provider may have been switched off while the session was written.
    const refusal = ending?.() ?? runtime.gate.closed(record.provider);
    if (refusal) session.abort.abort(refusal);
    const done = runLogin(runtime, { ...run, session, warmPool }).finally(() => live.delete(sessionId));
    live.set(sessionId, { session, done });
  }

  /**
   * The `login.method` hook may put another method first; a method named in the request always wins, and is
   * tried alone: who asked for one way is not given another.
   */
  async function choose(
    choices: readonly MethodChoice[],
    request: StartLogin,
    provider: string,
  ): Promise<readonly MethodChoice[]> {
    if (request.method !== undefined) return choices.slice(0, 1);
    const context = { userId: request.userId, provider, sessionId: undefined, signal: runtime.closing };
    const tried = automaticChoices(choices);
    const methods = [...new Set(tried.map((choice) => choice.method))];
    const chosen = await runtime.hooks.loginMethod(methods, context);
    return chosen ? tried.filter((choice) => choice.method.id === chosen.id) : tried;
  }

  async function get(sessionId: string, userId?: string): Promise<SessionRecord> {
    const record = await runtime.store.sessions.get(sessionId);
    if (!record || (userId ?? record.userId) !== record.userId)
      throw new SallyportError('LOGIN_SESSION_UNKNOWN', 'There is no such login session.');
    return record;
  }

  async function requireLive(
    sessionId: string,
  ): Promise<{ readonly session: LiveSession; readonly done: Promise<void> }> {
    const found = live.get(sessionId);
    if (found) return found;
    await get(sessionId);
    throw new SallyportError('LOGIN_SESSION_OVER', 'The login session has ended.');
  }

  async function endThose(isMeant: (session: LiveSession) => boolean, reason: () => SallyportError): Promise<void> {
    const meant = [...live.values()].filter(({ session }) => isMeant(session));
    for (const { session } of meant) session.abort.abort(reason());
    await Promise.all(meant.map(({ done }) => done));
  }

  const journalOf = (sessionId: string): Journal<LoginEvent> => ({
    topic: sessionTopic(sessionId),
    read: (after) => runtime.store.sessions.events(sessionId, after),
    isLast: (event) => event.type === 'done',
    isOver: async () => !liveSessionStatuses.includes((await get(sessionId)).status),
  });

  return {
    start: async (request) => {
      checkLimits(request.userId);
      const started = runtime.userGate.enter(request.userId, () => start(request));
      starting.set(started, request.userId);
      return started.finally(() => starting.delete(started));
    },
    selection,
    get,
    live: (sessionId) => live.get(sessionId)?.session,
    events: (sessionId, afterId, signal) =>
      followJournal(runtime.journalFeed, { ...journalOf(sessionId), afterId, signal }),
    resumePoint: (sessionId, eventId) => findResumePoint(journalOf(sessionId), eventId),
    answer: async (sessionId, promptId, value) => {
      const { session } = await requireLive(sessionId);
      const { listener, openQuestions } = session;
      // Taken off the list first: two answers at once must not both be typed.
      if (!listener || !openQuestions.delete(promptId)) {
        throw new SallyportError('LOGIN_ANSWER_UNEXPECTED', 'Nobody is asking for that now.');
      }
      try {
        await listener(promptId, value);
      } catch (error) {
        if (session.listener === listener) openQuestions.add(promptId);
        throw error;
      }
    },
    cancel: async (sessionId) => {
      const { session, done } = await requireLive(sessionId);
      session.abort.abort(new SallyportError('LOGIN_CANCELLED', 'The login was cancelled.'));
      await done;
      if ((await get(sessionId)).status !== 'completed') return;
      throw new SallyportError('LOGIN_SESSION_OVER', 'The login was complete before it could be cancelled.', {
        hint: 'Disconnect the provider to forget the login.',
      });
    },
    endFor: (provider, reason) => endThose((session) => session.provider === provider, reason),
    endOf: (userId, reason) => endThose((session) => session.userId === userId, reason),
    endAll: async (reason) => {
      ending = reason;
      for (const { session } of live.values()) session.abort.abort(reason());
      await Promise.allSettled(starting.keys());
      await Promise.all([...live.values()].map(({ done }) => done));
    },
  };
}
