import { SallyportError } from '../base/errors.ts';
import type { LiveSession } from './session.ts';

/**
 * What an attempt may do with its session. A login machine decides how often each of these happens, so together they
 * are limited: past {@link MOST_STEPS}, they throw `AGENT_REFUSED`, which ends the attempt.
 */
export interface BoundSession extends Pick<
  LiveSession,
  'sessionId' | 'userId' | 'phase' | 'openQuestions' | 'showScreen' | 'showPage' | 'advance' | 'note'
> {
  /** Counts a step that writes nothing, such as a question that a plugin answers. */
  countStep(): void;
}

/** Steps of one attempt. A login that goes well takes about ten. Each that writes is stored for as long as the session. */
const MOST_STEPS = 100;

/** A view that throws once the attempt is over: a step under way at its end would write into the next attempt. */
export function boundSession(signal: AbortSignal, session: LiveSession): BoundSession {
  const { sessionId, userId, openQuestions } = session;
  let steps = 0;
  const countStep = (): void => {
    signal.throwIfAborted();
    steps += 1;
    if (steps <= MOST_STEPS) return;
    throw new SallyportError(
      'AGENT_REFUSED',
      `The login machine reported more than ${MOST_STEPS} changes in one login and was ended.`,
      { hint: 'Log in again. If it happens each time, tell the operator.' },
    );
  };
  return {
    sessionId,
    userId,
    get phase() {
      return session.phase;
    },
    openQuestions,
    showScreen: (text) => session.showScreen(signal.aborted ? null : text),
    showPage: (host) => session.showPage(host),
    countStep,
    advance: async (phase, more) => {
      countStep();
      await session.advance(phase, more);
    },
    note: async (event, change) => {
      countStep();
      await session.note(event, change);
    },
  };
}
