import { z } from 'zod';

export const namedUserSchema = z
  .string()
  .min(1)
  .max(128)
  .describe('A UUID, or any other name up to 128 characters, which is mapped to a stable UUID.');

/** Absent: the user of the token, or the local user where nobody is asked who they are. */
export const userIdSchema = namedUserSchema.optional();

export const providerIdSchema = z.string().min(1).max(64).describe('Id or alias of a provider, such as `codex`.');

export const userQuerySchema = z.strictObject({ userId: userIdSchema });
export const userParamsSchema = z.strictObject({ userId: namedUserSchema });
export const providerParamsSchema = z.strictObject({ provider: providerIdSchema });

export const emptyBodySchema = z.strictObject({}).optional().nullable();

/** A point in time, as ISO 8601 in UTC. */
export const timeSchema = z.string().meta({ format: 'date-time' });

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What happened, and to what.'),
    code: z.string().describe('A code of docs/errors.md.'),
    hint: z.string().describe('What to do next.'),
    retryable: z.boolean().describe('Whether the same request may succeed later.'),
    requestId: z.string().describe("Names the request in the server's log."),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .describe('What went wrong, and what to do about it (RFC 9457).');

/** Lists are read in pages. A query string has texts only. */
export function limitSchema(otherwise: number) {
  return z
    .string()
    .regex(/^([1-9]\d?|100)$/, 'must be a number from 1 to 100')
    .default(String(otherwise))
    .transform(Number)
    .describe('How many to list: 1 to 100.');
}

export const nextCursorSchema = z
  .string()
  .nullable()
  .describe('Send it as `cursor` for the next page; null if this is the last.');
