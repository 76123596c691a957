import { sql, type Selectable } from 'kysely';

import { SallyportError, type PromptEvent, type PromptRecord, type PromptStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid } from './json.ts';
import { ofHost } from './of-host.ts';
import type { Tables } from './tables.ts';

export function createPromptStore(database: Database): PromptStore {
  return {
    create: async (prompt, first) => {
      const { promptId, userId, host, provider, conversationId } = prompt;
      const row = await database.run((tables) =>
        tables
          // What a statement refers to is looked for at its end, when the prompt is there.
          .with('begun', (statement) =>
            statement.insertInto('prompt_events').values({ prompt_id: promptId, event: JSON.stringify(first) }),
          )
          .insertInto('prompts')
          .values({
            prompt_id: promptId,
            user_id: userId,
            host,
            provider,
            conversation_id: conversationId,
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
    running: async (filter) => {
      const rows = await database.run((tables) =>
        tables
          .selectFrom('prompts')
          .selectAll()
          .where('status', '=', 'running')
          .where(ofHost(filter))
          .orderBy('created_at')
          .execute(),
      );
      return rows.map(toRecord);
    },
  };
}

/** One statement, since the user waits for each: an event is shown once it is stored. */
async function append(database: Database, promptId: string, events: readonly PromptEvent[]) {
  if (events.length === 0) return [];
  if (!isUuid(promptId)) throw unknownPrompt(promptId);
  const endAt = events.findIndex((event) => event.type === 'prompt-end');
  const taken = endAt === -1 ? events : events.slice(0, endAt + 1);
  const end = taken.at(-1);
  const outcome = end?.type === 'prompt-end' ? end.outcome : null;
  const texts = taken.map((event) => JSON.stringify(event));
  // Writers of one prompt take turns at the lock, so ids grow in the order of the events and none follows the end.
  const statement = sql<{ status: string; event_id: string | null; event: PromptEvent }>`
    with prompt as (
      select prompt_id, status from prompts where prompt_id = ${promptId} for update
    ), added as (
      insert into prompt_events (prompt_id, event)
      select prompt_id, text::json
      from prompt, unnest(${texts}::text[]) with ordinality as given (text, place)
      where status = 'running'
      order by place
      returning event_id, event
    ), ended as (
      update prompts set status = ${outcome}, ended_at = now()
      where ${outcome}::text is not null and prompt_id = (select prompt_id from prompt where status = 'running')
    )
    select status, event_id, event from prompt left join added on true order by event_id`;
  const { rows } = await database.run((tables) => statement.execute(tables));
  if (rows.length === 0) throw unknownPrompt(promptId);
  return rows.flatMap(({ event_id: id, event }) => (id === null ? [] : [{ id: Number(id), event }]));
}

function unknownPrompt(promptId: string): SallyportError {
  return new SallyportError('PROMPT_UNKNOWN', `There is no prompt ${promptId}.`, { details: { promptId } });
}

function toRecord(row: Selectable<Tables['prompts']>): PromptRecord {
  return {
    promptId: row.prompt_id,
    userId: row.user_id,
    host: row.host,
    provider: row.provider,
    conversationId: row.conversation_id,
    status: row.status,
    createdAt: row.created_at,
  };
}
