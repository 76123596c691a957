import { SallyportError } from '@sallyport/core';
import { storableJson } from '@sallyport/core/store';
import type { LoginEvent } from '@sallyport/core';
import type { SessionChange, SessionRecord, SessionStore } from '@sallyport/core/store';

import { auditArgument } from './audit-argument.ts';
import type { Row, StoreDatabase } from './database.ts';
import { dateFrom, isUuid } from './json.ts';
import { toJournalEntry } from './journal-entry.ts';
import { toListPage, toPositionArguments } from './list-page.ts';
import { only } from './only.ts';

export function createSessionStore(database: StoreDatabase): SessionStore {
  return {
    create: async (session, audit) => {
      const row = only(
        await database.write('create_session', {
          p_session_id: session.sessionId,
          p_user_id: session.userId,
          p_host: session.host,
          p_provider: session.provider,
          p_method: session.method,
          p_display: session.display,
          p_phase: session.phase,
          p_browser_vm_id: session.browserMachineId,
          ...auditArgument(audit),
        }),
      );
      if (row.session_id === session.sessionId.toLowerCase()) return toRecord(row);
      throw new SallyportError('LOGIN_IN_PROGRESS', `A login for ${session.provider} is under way already.`, {
        details: { sessionId: row.session_id },
      });
    },
    get: async (sessionId) => {
      if (!isUuid(sessionId)) return undefined;
      const rows = await database.read('get_session', { p_session_id: sessionId });
      return rows?.map(toRecord)[0];
    },
    update: async (sessionId, change, event, audit) => {
      if (!isUuid(sessionId)) return undefined;
      const rows = await database.write('update_session', {
        p_session_id: sessionId,
        p_change: storableJson(toColumns(change)),
        p_event: JSON.stringify(event),
        ...auditArgument(audit),
      });
      const updated = rows?.[0];
      return updated && { session: toRecord(updated.session), entry: { id: updated.event_id, event } };
    },
    events: async (sessionId, afterId) => {
      if (!isUuid(sessionId)) return [];
      const entries = await database.read('list_session_events', { p_session_id: sessionId, p_after: afterId });
      return (entries ?? []).map(toJournalEntry<LoginEvent>);
    },
    live: async (filter) => {
      const rows = await database.read('list_live_sessions', { p_host: filter?.host ?? null });
      return (rows ?? []).map(toRecord);
    },
    list: async ({ userId, limit, after }) => {
      if (!isUuid(userId)) return { items: [], next: undefined };
      const rows = await database.read('list_sessions', {
        p_user_id: userId,
        p_limit: limit + 1,
        ...toPositionArguments(after),
      });
      return toListPage({ rows, limit, idOf: (row) => row.session_id, toRecord });
    },
  };
}

/** Only what the change names: an absent field stays as it is, `null` clears it. */
function toColumns(change: SessionChange): Readonly<Record<string, string | null>> {
  const columns = {
    method: change.method,
    display: change.display,
    status: change.status,
    phase: change.phase,
    browser_vm_id: change.browserMachineId,
    cli_vm_id: change.cliMachineId,
    auth_url: change.authUrl,
    user_code: change.userCode,
    user_code_expires_at: change.userCodeExpiresAt && change.userCodeExpiresAt.toISOString(),
    error_code: change.errorCode,
    error_message: change.errorMessage,
    error_hint: change.errorHint,
  };
  return Object.fromEntries(
    Object.entries(columns).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function toRecord(row: Row<'auth_sessions'>): SessionRecord {
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
    userCodeExpiresAt: row.user_code_expires_at === null ? null : dateFrom(row.user_code_expires_at),
    errorCode: row.error_code,
    errorMessage: row.error_message,
    errorHint: row.error_hint,
    createdAt: dateFrom(row.created_at),
    updatedAt: dateFrom(row.updated_at),
  };
}
