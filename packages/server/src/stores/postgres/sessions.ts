import { sql, type Selectable, type Updateable } from 'kysely';

import {
  liveSessionStatuses,
  SallyportError,
  type NewSession,
  type SessionChange,
  type SessionRecord,
  type SessionStore,
} from '@sallyport/core';

import type { Database } from './database.ts';
import { brokenConstraint } from './database-error.ts';
import { isUuid, storableText } from './json.ts';
import { ofHost } from './of-host.ts';
import type { Tables } from './tables.ts';

export function createSessionStore(database: Database): SessionStore {
  return {
    create: (session) => create(database, session),
    get: async (sessionId) => {
      if (!isUuid(sessionId)) return undefined;
      const row = await database.run((tables) =>
        tables.selectFrom('auth_sessions').selectAll().where('session_id', '=', sessionId).executeTakeFirst(),
      );
      return row && toRecord(row);
    },
    update: async (sessionId, change, event) => {
      if (!isUuid(sessionId)) return undefined;
      return database.transaction(async (tables) => {
        // The row stays locked until the event is stored, so ids grow in the order of the changes.
        const row = await tables
          .updateTable('auth_sessions')
          .set({ ...toColumns(change), updated_at: sql`now()` })
          .where('session_id', '=', sessionId)
          .where('status', 'in', liveSessionStatuses)
          .returningAll()
          .executeTakeFirst();
        if (!row) return undefined;
        const { event_id } = await tables
          .insertInto('auth_session_events')
          .values({ session_id: sessionId, event: JSON.stringify(event) })
          .returning('event_id')
          .executeTakeFirstOrThrow();
        return { session: toRecord(row), entry: { id: Number(event_id), event } };
      });
    },
    events: async (sessionId, afterId) => {
      if (!isUuid(sessionId)) return [];
      const rows = await database.run((tables) =>
        tables
          .selectFrom('auth_session_events')
          .select(['event_id', 'event'])
          .where('session_id', '=', sessionId)
          .where('event_id', '>', String(afterId))
          .orderBy('event_id')
          .execute(),
      );
      return rows.map((row) => ({ id: Number(row.event_id), event: row.event }));
    },
    live: async (filter) => {
      const rows = await database.run((tables) =>
        tables
          .selectFrom('auth_sessions')
          .selectAll()
          .where('status', 'in', liveSessionStatuses)
          .where(ofHost(filter))
          .orderBy('created_at')
          .execute(),
      );
      return rows.map(toRecord);
    },
  };
}

/** A rival can end between the refused insert and the look at it; then there is room, and the insert is tried again. */
const ATTEMPTS = 3;

async function create(database: Database, session: NewSession): Promise<SessionRecord> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = await database.run(async (tables) => {
      try {
        return {
          session: await tables
            .insertInto('auth_sessions')
            .values(toNewRow(session))
            .returningAll()
            .executeTakeFirstOrThrow(),
        };
      } catch (error) {
        if (brokenConstraint(error) !== 'auth_sessions_live') throw error;
        const rival = await tables
          .selectFrom('auth_sessions')
          .select('session_id')
          .where('user_id', '=', session.userId)
          .where('provider', '=', session.provider)
          .where('status', 'in', liveSessionStatuses)
          .executeTakeFirst();
        return { rival: rival?.session_id };
      }
    });
    if (outcome.session) return toRecord(outcome.session);
    if (outcome.rival !== undefined) {
      throw new SallyportError('LOGIN_IN_PROGRESS', `A login for ${session.provider} is under way already.`, {
        details: { sessionId: outcome.rival },
      });
    }
  }
  throw new SallyportError('STORE_CONFLICT', `Logins for ${session.provider} come and go too fast.`);
}

function toNewRow(session: NewSession) {
  return {
    session_id: session.sessionId,
    user_id: session.userId,
    host: session.host,
    provider: session.provider,
    method: session.method,
    display: session.display,
    status: 'pending' as const,
    phase: session.phase,
    browser_vm_id: session.browserMachineId,
  };
}

/** Only what the change names: an absent field stays as it is, `null` clears it. */
function toColumns(change: SessionChange): Updateable<Tables['auth_sessions']> {
  const text = (value: string | null | undefined) => (typeof value === 'string' ? storableText(value) : value);
  const columns = {
    method: change.method,
    display: change.display,
    status: change.status,
    phase: change.phase,
    browser_vm_id: change.browserMachineId,
    cli_vm_id: change.cliMachineId,
    auth_url: text(change.authUrl),
    user_code: text(change.userCode),
    error_code: change.errorCode,
    error_message: text(change.errorMessage),
    error_hint: text(change.errorHint),
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

function toRecord(row: Selectable<Tables['auth_sessions']>): SessionRecord {
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    host: row.host,
    provider: row.provider,
    method: row.method,
    display: row.display,
    status: row.status,
    phase: row.phase,
    browserMachineId: row.browser_vm_id,
    cliMachineId: row.cli_vm_id,
    authUrl: row.auth_url,
    userCode: row.user_code,
    errorCode: row.error_code,
    errorMessage: row.error_message,
    errorHint: row.error_hint,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
