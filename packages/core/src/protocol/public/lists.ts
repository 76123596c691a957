import { z } from 'zod';

import { conversationIdPattern } from '../../contracts/conversation-id.ts';
import type { ListPosition } from '../../contracts/listing.ts';
import { sessionStatusSchema } from '../../contracts/login-event.ts';
import { limitSchema, nextCursorSchema, timeSchema, userIdSchema } from './common.ts';

/** Opaque to clients: base64url of the time and the id of a row, with a space between them. */
export function encodeCursor({ time, id }: ListPosition): string {
  return Buffer.from(`${time} ${id}`).toString('base64url');
}

const sessionOrPromptId = z.guid();
const conversationId = z.string().refine((id) => {
  const [provider = '', conversation = '', ...rest] = id.split('/');
  return /^[\w.-]{1,64}$/.test(provider) && conversationIdPattern.test(conversation) && rest.length === 0;
});

/** Which logins of a user to list. */
export const loginListQuerySchema = listQuery(sessionOrPromptId);
/** Which prompts of a user to list. */
export const promptListQuerySchema = listQuery(sessionOrPromptId);
/** Which conversations of a user to list. */
export const conversationListQuerySchema = listQuery(conversationId);

export const loginSummarySchema = z
  .object({
    sessionId: z.uuid(),
    provider: z.string(),
    method: z.string(),
    status: sessionStatusSchema,
    errorCode: z.string().nullable().describe('A code of docs/errors.md; null if the login did not fail.'),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .describe('A login, under way or ended.');

export const promptSummarySchema = z
  .object({
    promptId: z.uuid(),
    provider: z.string(),
    conversationId: z.string().nullable().describe('Continues its conversation; null if the CLI has told none.'),
    status: z.enum(['running', 'completed', 'failed', 'cancelled', 'relogin-needed']),
    errorCode: z.string().nullable().describe('A code of docs/errors.md; null if the prompt completed or still runs.'),
    createdAt: timeSchema,
    endedAt: timeSchema.nullable().describe('Null while it runs.'),
  })
  .describe('A prompt, running or ended, without its text.');

export const conversationSchema = z
  .object({
    conversationId: z.string().describe('Send it with the next prompt to this provider to continue.'),
    provider: z.string(),
    createdAt: timeSchema.describe('When its first prompt was sent, as far as prompts are kept.'),
    lastPromptAt: timeSchema,
    prompts: z.number().int().describe('How many prompts it has.'),
  })
  .describe("A conversation with a user's CLI.");

export const loginListSchema = listOf(loginSummarySchema);
export const promptListSchema = listOf(promptSummarySchema);
export const conversationListSchema = listOf(conversationSchema);

function listQuery(id: z.ZodType<string>) {
  // Six digits, as stores write them. The database knows no year 0.
  const time = z.iso.datetime({ precision: 6 }).refine((text) => !text.startsWith('0000'));
  const cursor = z
    .string()
    .max(512)
    .transform((text, context): ListPosition => {
      const [at, of] = Buffer.from(text, 'base64url').toString().split(' ');
      const found = z.object({ time, id }).safeParse({ time: at, id: of });
      if (found.success && encodeCursor(found.data) === text) return found.data;
      context.addIssue({ code: 'custom', message: 'must be the nextCursor of an earlier answer of this list' });
      return z.NEVER;
    })
    .optional();
  return z.strictObject({ userId: userIdSchema, limit: limitSchema(20), cursor });
}

function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item).describe('Newest first.'), nextCursor: nextCursorSchema });
}
