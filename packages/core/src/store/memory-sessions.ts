import { SallyportError } from '../base/errors.ts';
import type { WriteAudit } from './memory-audit.ts';
import type { EndedRecords } from './memory-history.ts';
import { isOfHost } from './is-of-host.ts';
import { memoryPage } from './memory-page.ts';
import { createMemoryJournal } from './memory-journal.ts';
import { liveSessionStatuses } from '../contracts/store.ts';
import type { LoginEvent } from '../contracts/login-event.ts';
import type { SessionRecord, SessionStore } from '../contracts/store.ts';

export function memorySessions(
  now: () => Date,
  writeAudit: WriteAudit,
): SessionStore & { readonly ended: EndedRecords } {
  const sessions = new Map<string, SessionRecord>();
  const journal = createMemoryJournal<LoginEvent>();
  const live = (): readonly SessionRecord[] =>
    [...sessions.values()].filter(({ status }) => liveSessionStatuses.includes(status));

  return {
    create: async (session, audit) => {
      const { sessionId, userId, provider } = session;
      const running = live().find((other) => other.userId === userId && other.provider === provider);
      if (running) {
        throw new SallyportError('LOGIN_IN_PROGRESS', `A login to ${provider} is already under way for this user.`, {
          details: { sessionId: running.sessionId },
        });
      }
      if (sessions.has(sessionId)) {
        throw new SallyportError('STORE_CONFLICT', `There is a login session ${sessionId} already.`);
      }
      const at = now();
      const record: SessionRecord = {
        ...session,
        status: 'pending',
        cliMachineId: null,
        authUrl: null,
        userCode: null,
        userCodeExpiresAt: null,
        errorCode: null,
        errorMessage: null,
        errorHint: null,
        createdAt: at,
        updatedAt: at,
      };
      sessions.set(sessionId, record);
      writeAudit(audit);
      return structuredClone(record);
    },
    get: async (sessionId) => structuredClone(sessions.get(sessionId)),
    update: async (sessionId, change, event, audit) => {
      const session = sessions.get(sessionId);
      if (!session || !liveSessionStatuses.includes(session.status)) return undefined;
      const changed = { ...session, ...withoutUndefined(change), updatedAt: now() };
      sessions.set(sessionId, changed);
      writeAudit(audit);
      return { session: structuredClone(changed), entry: journal.append(sessionId, event) };
    },
    events: async (sessionId, afterId) => journal.after(sessionId, afterId),
    ended: {
      list: () =>
        [...sessions.values()]
          .filter(({ status }) => !liveSessionStatuses.includes(status))
          .map(({ sessionId, userId, provider, updatedAt }) => ({
            id: sessionId,
            userId,
            provider,
            endedAt: updatedAt,
          })),
      erase: (sessionId) => {
        sessions.delete(sessionId);
        journal.erase(sessionId);
      },
    },
    list: async (query) =>
      memoryPage(
        [...sessions.values()].filter(({ userId }) => userId === query.userId),
        ({ sessionId }) => sessionId,
        query,
      ),
    live: async (filter) => structuredClone(live().filter((session) => isOfHost(session, filter))),
  };
}

/** A field that is present but undefined changes nothing. */
function withoutUndefined<Change extends object>(change: Change): Partial<Change> {
  const entries = Object.entries(change).filter(([, value]) => value !== undefined);
  return Object.assign<Partial<Change>, object>({}, Object.fromEntries(entries));
}
