import { lastConversationId, SallyportError } from '@sallyport/core';
import type { PromptEvent } from '@sallyport/core';
import type { ConversationRecord, NewAuditEntry, PromptRecord, PromptStore } from '@sallyport/core/store';

import { auditArgument } from './audit-argument.ts';
import type { ResultOf, Row, StoreDatabase } from './database.ts';
import { dateFrom, isUuid } from './json.ts';
import { toJournalEntry } from './journal-entry.ts';
import { toListPage, toPositionArguments } from './list-page.ts';
import { only } from './only.ts';

export function createPromptStore(database: StoreDatabase): PromptStore {
  return {
    create: async ({ promptId, userId, host, provider, conversationId }, first, audit) => {
      const created = only(
        await database.write('create_prompt', {
          p_prompt_id: promptId,
          p_user_id: userId,
          p_host: host,
          p_provider: provider,
          p_conversation_id: conversationId,
          p_first_event: JSON.stringify(first),
          ...auditArgument(audit),
        }),
      );
      return { prompt: toRecord(created.prompt), entry: { id: created.event_id, event: first } };
    },
    get: async (promptId) => {
      if (!isUuid(promptId)) return undefined;
      const rows = await database.read('get_prompt', { p_prompt_id: promptId });
      return rows?.map(toRecord)[0];
    },
    append: (promptId, events, audit) => append(database, { promptId, events, audit }),
    events: async (promptId, afterId, limit) => {
      if (!isUuid(promptId)) return [];
      const entries = await database.read('list_prompt_events', {
        p_prompt_id: promptId,
        p_after: afterId,
        p_limit: limit,
      });
      return (entries ?? []).map(toJournalEntry<PromptEvent>);
    },
    running: async (filter) => {
      const rows = await database.read('list_running_prompts', { p_host: filter?.host ?? null });
      return (rows ?? []).map(toRecord);
    },
    list: async ({ userId, limit, after }) => {
      if (!isUuid(userId)) return { items: [], next: undefined };
      const rows = await database.read('list_prompts', {
        p_user_id: userId,
        p_limit: limit + 1,
        ...toPositionArguments(after),
      });
      return toListPage({ rows, limit, idOf: (row) => row.prompt_id, toRecord });
    },
    conversations: async ({ userId, limit, after }) => {
      if (!isUuid(userId)) return { items: [], next: undefined };
      const rows = await database.read('list_conversations', {
        p_user_id: userId,
        p_limit: limit + 1,
        ...toPositionArguments(after),
      });
      const idOf = (row: ConversationRow): string => `${row.provider}/${row.conversation_id}`;
      return toListPage({ rows, limit, idOf, toRecord: toConversation });
    },
  };
}

interface Appended {
  readonly promptId: string;
  readonly events: readonly PromptEvent[];
  readonly audit: NewAuditEntry | undefined;
}

async function append(database: StoreDatabase, { promptId, events, audit }: Appended) {
  if (events.length === 0) return [];
  if (!isUuid(promptId)) throw unknownPrompt(promptId);
  const endAt = events.findIndex((event) => event.type === 'prompt-end');
  const taken = endAt === -1 ? events : events.slice(0, endAt + 1);
  const end = taken.at(-1);
  const ids = await database.write('append_prompt_events', {
    p_prompt_id: promptId,
    p_events: taken.map((event) => JSON.stringify(event)),
    p_outcome: end?.type === 'prompt-end' ? end.outcome : null,
    p_error_code: end?.type === 'prompt-end' ? (end.code ?? null) : null,
    p_conversation_id: lastConversationId(taken) ?? null,
    ...auditArgument(audit),
  });
  if (ids === null) throw unknownPrompt(promptId);
  return taken.flatMap((event, place) => {
    const id = ids[place];
    return id === undefined ? [] : [{ id, event }];
  });
}

function unknownPrompt(promptId: string): SallyportError {
  return new SallyportError('PROMPT_UNKNOWN', `There is no prompt ${promptId}.`, { details: { promptId } });
}

function toRecord(row: Row<'prompts'>): PromptRecord {
  return {
    promptId: row.prompt_id,
    userId: row.user_id,
    host: row.host,
    provider: row.provider,
    conversationId: row.conversation_id,
    status: row.status,
    errorCode: row.error_code,
    createdAt: dateFrom(row.created_at),
    endedAt: row.ended_at === null ? null : dateFrom(row.ended_at),
  };
}

type ConversationRow = ResultOf<'list_conversations'>[number];

function toConversation(row: ConversationRow): ConversationRecord {
  return {
    conversationId: row.conversation_id,
    provider: row.provider,
    createdAt: dateFrom(row.created_at),
    lastPromptAt: dateFrom(row.last_prompt_at),
    prompts: row.prompts,
  };
}
