import type { AgentClient } from '../contracts/agent-client.ts';
import { SallyportError } from '../base/errors.ts';
import { createSerialQueue } from '../base/serial-queue.ts';
import type { EventNote, NewDomainEvent, Runtime } from '../runtime/runtime.ts';
import type { LoginEvent, LoginNote } from '../contracts/login-event.ts';
import type { SessionChange, SessionRecord } from '../contracts/store.ts';
import { untilStored } from '../base/until-stored.ts';
import { isLastPhase, loginPhases } from './phases.ts';
import type { LoginPhase } from './phases.ts';

/** Hands an answer on. What it throws goes back to the user who answered, and the question stays open. */
export type AnswerListener = (promptId: string, value: string) => Promise<void>;

/** A login session while its flow runs in this process. */
export interface LiveSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly provider: string;
  readonly abort: AbortController;
  /** The last phase that is stored. */
  readonly phase: LoginPhase;
  /** The agent of the browser machine, once it answers. */
  agent: AgentClient | undefined;
  /** Takes the user's answers, while the login can use them. */
  listener: AnswerListener | undefined;
  /** Whether this way of logging in has come as far as asking the user for anything. */
  readonly userAsked: boolean;
  /** The questions the user was asked and has not answered. */
  readonly openQuestions: Set<string>;
  /** What the CLI shows, where it has not gone on for some seconds. It comes from inside a machine. */
  readonly screen: string | null;
  showScreen(text: string | null): void;
  /** Host of the vendor's page that the login machine has opened; `null` before. */
  readonly pageHost: string | null;
  showPage(host: string): void;
  /** Moves the session on: row, journal, followers and plugins, in that order. Throws once it has ended. */
  advance(phase: LoginPhase, more?: PhaseDetails): Promise<void>;
  /** Tells plugins that a user looks at the login machine's screen, or stopped looking. */
  viewer(state: 'attached' | 'detached'): void;
  /** Journals something other than a change of phase. */
  note(event: LoginNote, change?: SessionChange): Promise<void>;
}

export interface PhaseDetails {
  readonly change?: SessionChange;
  readonly message?: string;
  /** What plugins and the audit log are told in place of the phase. */
  readonly event?: NewDomainEvent;
}

export function createLiveSession(runtime: Runtime, record: SessionRecord): LiveSession {
  let phase: LoginPhase = 'accepted';
  let userAsked = false;
  let screen: string | null = null;
  let pageHost: string | null = null;
  const { sessionId, userId, provider } = record;
  // Some are written without anybody waiting; the journal still has them in the order of the calls.
  const enqueue = createSerialQueue();

  /** `undefined` while it is not known what is stored. */
  let lastId: number | undefined = 0;

  async function write(change: SessionChange, event: LoginEvent, told?: EventNote): Promise<void> {
    const after = lastId;
    lastId = undefined;
    const written = await runtime.store.sessions.update(sessionId, change, event, told?.audit);
    if (!written) throw new SallyportError('LOGIN_SESSION_OVER', 'The login session has ended.');
    runtime.journalFeed.publish(sessionTopic(sessionId), { after, entries: [written.entry] });
    lastId = written.entry.id;
    told?.announce();
  }

  return {
    sessionId,
    userId,
    provider,
    abort: new AbortController(),
    get phase() {
      return phase;
    },
    agent: undefined,
    listener: undefined,
    get userAsked() {
      return userAsked;
    },
    openQuestions: new Set(),
    get screen() {
      return screen;
    },
    showScreen: (text) => (screen = text),
    get pageHost() {
      return pageHost;
    },
    showPage: (host) => (pageHost = host),
    advance: (next, more = {}) =>
      enqueue(async () => {
        const { status, message } = loginPhases[next];
        if (next === 'starting-machine') userAsked = false;
        if (next === 'opening-page' || next === 'awaiting-user') userAsked = true;
        await write(
          { ...more.change, status, phase: next },
          { type: isLastPhase(next) ? 'done' : 'phase', status, phase: next, message: more.message ?? message },
          runtime.noteEvent(more.event ?? { type: 'login.phase', userId, sessionId, provider, phase: next }),
        );
        phase = next;
      }),
    viewer: (state) => runtime.emit({ type: 'login.viewer', userId, sessionId, state }),
    note: (event, change = {}) =>
      enqueue(async () => {
        if (event.type === 'prompt') userAsked = true;
        await write(change, { ...event, status: loginPhases[phase].status, phase });
      }),
  };
}

export function sessionTopic(sessionId: string): string {
  return `session:${sessionId}`;
}

/** Ends a session that failed, in one place, so that row, journal and plugins always agree. */
export async function failSession(
  runtime: Runtime,
  session: Pick<SessionRecord, 'sessionId' | 'userId' | 'provider'>,
  error: SallyportError,
): Promise<void> {
  const { sessionId, userId, provider } = session;
  const cancelled = error.code === 'LOGIN_CANCELLED';
  const status = cancelled ? 'cancelled' : 'failed';
  const change = {
    status,
    phase: status,
    errorCode: error.code,
    errorMessage: error.message,
    errorHint: error.hint,
    // They lead into a login that is over.
    authUrl: null,
    userCode: null,
    userCodeExpiresAt: null,
  } as const;
  const data = { code: error.code, hint: error.hint };
  const { audit, announce } = runtime.noteEvent(
    cancelled
      ? { type: 'login.cancelled', userId, sessionId, provider }
      : { type: 'login.failed', userId, sessionId, provider, code: error.code },
  );
  const written = await untilStored(runtime.clock, runtime.closing, () =>
    runtime.store.sessions.update(
      sessionId,
      change,
      { type: 'done', status, phase: status, message: error.message, data },
      audit,
    ),
  );
  if (!written) return;
  runtime.journalFeed.publish(sessionTopic(sessionId), { after: undefined, entries: [written.entry] });
  announce();
}
