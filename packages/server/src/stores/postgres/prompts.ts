import { sql, type Selectable } from 'kysely';

import { SallyportError, type PromptEvent, type PromptRecord, type PromptStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid } from './json.ts';
import type { Tables } from './tables.ts';

export function createPromptStore(database: Database): PromptStore {
  return {
    create: async (prompt) => {
      const row = await database.run((tables) =>
        tables
          .insertInto('prompts')
          .values({
            prompt_id: prompt.promptId,
            user_id: prompt.userId,
            provider: prompt.provider,
            conversation_id: prompt.conversationId,
            status: 'running',
          })
          .returningAll()
          .executeTakeFirstOrThrow(),
      );
      return toRecord(row);
    },
    get: async (promptId) => {
      if (!isUuid(promptId)) return undefined;
      const row = await database.run((tables) =>
        tables.selectFrom('prompts').selectAll().where('prompt_id', '=', promptId).executeTakeFirst(),
      );
      return row && toRecord(row);
    },
    append: (promptId, events) => append(database, promptId, events),
    events: async (promptId, afterId, limit) => {
      if (!isUuid(promptId)) return [];
      const rows = await database.run((tables) =>
        tables
          .selectFrom('prompt_events')
          .select(['event_id', 'event'])
          .where('prompt_id', '=', promptId)
          .where('event_id', '>', String(afterId))
          .orderBy('event_id')
          .limit(limit)
          .execute(),
      );
      return rows.map((row) => ({ id: Number(row.event_id), event: row.event }));
    },
    running: async () => {
      const rows = await database.run((tables) =>
        tables.selectFrom('prompts').selectAll().where('status', '=', 'running').orderBy('created_at').execute(),
      );
      return rows.map(toRecord);
    },
  };
}

async function append(database: Database, promptId: string, events: readonly PromptEvent[]) {
  if (events.length === 0) return [];
  if (!isUuid(promptId)) throw unknownPrompt(promptId);
  return database.transaction(async (tables) => {
    // Writers of one prompt take turns, so ids grow in the order of the events and none follows the end.
    const prompt = await tables
      .selectFrom('prompts')
      .select('status')
      .where('prompt_id', '=', promptId)
      .forUpdate()
      .executeTakeFirst();
    if (!prompt) throw unknownPrompt(promptId);
    if (prompt.status !== 'running') return [];

    const endAt = events.findIndex((event) => event.type === 'prompt-end');
    const taken = endAt === -1 ? events : events.slice(0, endAt + 1);
    const rows = await tables
      .insertInto('prompt_events')
      .values(taken.map((event) => ({ prompt_id: promptId, event: JSON.stringify(event) })))
      .returning(['event_id', 'event'])
      .execute();
    const end = taken.at(-1);
    if (end?.type === 'prompt-end') {
      await tables
        .updateTable('prompts')
        .set({ status: end.outcome, ended_at: sql`now()` })
        .where('prompt_id', '=', promptId)
        .execute();
    }
    return rows.map((row) => ({ id: Number(row.event_id), event: row.event })).toSorted((a, b) => a.id - b.id);
  });
}

function unknownPrompt(promptId: string): SallyportError {
  return new SallyportError('PROMPT_UNKNOWN', `There is no prompt ${promptId}.`, { details: { promptId } });
}

function toRecord(row: Selectable<Tables['prompts']>): PromptRecord {
  return {
    promptId: row.prompt_id,
    userId: row.user_id,
    provider: row.provider,
    conversationId: row.conversation_id,
    status: row.status,
    createdAt: row.created_at,
  };
}
