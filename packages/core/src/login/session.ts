import type { AgentClient } from '../agent/client.ts';
import { SallyportError } from '../errors.ts';
import type { NewDomainEvent, Runtime } from '../runtime.ts';
import type { SessionChange, SessionEvent, SessionRecord } from '../store/store.ts';
import { loginPhases } from './phases.ts';
import type { LoginPhase } from './phases.ts';

/** A login session while its flow runs in this process. */
export interface LiveSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly provider: string;
  readonly abort: AbortController;
  /** The agent of the browser machine, once it answers. */
  agent: AgentClient | undefined;
  /** The question the person was last asked. */
  openPrompt: string | undefined;
  /** Moves the session on: row, journal, followers and plugins, in that order. Throws once it has ended. */
  advance(phase: LoginPhase, more?: { readonly change?: SessionChange; readonly message?: string }): Promise<void>;
  /** Tells plugins that somebody looks at the login machine's screen, or stopped looking. */
  viewer(state: 'attached' | 'detached'): void;
  /** Journals something that is no change of phase. */
  note(event: Pick<SessionEvent, 'type' | 'message' | 'data'>, change?: SessionChange): Promise<void>;
}

export function createLiveSession(runtime: Runtime, record: SessionRecord): LiveSession {
  let phase: LoginPhase = 'accepted';
  const { sessionId, userId, provider } = record;

  async function write(change: SessionChange, event: SessionEvent): Promise<void> {
    const written = await runtime.store.sessions.update(sessionId, change, event);
    if (!written) throw new SallyportError('LOGIN_SESSION_OVER', 'The login session has ended.');
    runtime.bell.ring(sessionTopic(sessionId));
  }

  return {
    sessionId,
    userId,
    provider,
    abort: new AbortController(),
    agent: undefined,
    openPrompt: undefined,
    advance: async (next, more = {}) => {
      phase = next;
      const { status, message } = loginPhases[next];
      const over = next === 'completed' || next === 'failed' || next === 'cancelled';
      await write(
        { ...more.change, status, phase: next },
        { type: over ? 'done' : 'phase', status, phase: next, message: more.message ?? message },
      );
      runtime.emit({ type: 'login.phase', userId, sessionId, provider, phase: next });
    },
    viewer: (state) => runtime.emit({ type: 'login.viewer', userId, sessionId, state }),
    note: async (event, change = {}) => {
      await write(change, { ...event, status: loginPhases[phase].status, phase });
    },
  };
}

export function sessionTopic(sessionId: string): string {
  return `session:${sessionId}`;
}

/** Ends a session that failed, in one place, so that row, journal and plugins always agree. */
export async function failSession(runtime: Runtime, session: Pick<SessionRecord, 'sessionId' | 'userId' | 'provider'>, error: SallyportError): Promise<void> {
  const { sessionId, userId, provider } = session;
  const cancelled = error.code === 'LOGIN_CANCELLED';
  const status = cancelled ? 'cancelled' : 'failed';
  const written = await runtime.store.sessions.update(
    sessionId,
    { status, phase: status, errorCode: error.code, errorMessage: error.message, errorHint: error.hint },
    { type: 'done', status, phase: status, message: error.message, data: { code: error.code, hint: error.hint } },
  );
  if (!written) return;
  runtime.bell.ring(sessionTopic(sessionId));
  const event: NewDomainEvent = cancelled
    ? { type: 'login.cancelled', userId, sessionId, provider }
    : { type: 'login.failed', userId, sessionId, provider, code: error.code };
  runtime.emit(event);
}
