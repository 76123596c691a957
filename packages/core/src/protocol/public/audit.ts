import { z } from 'zod';

import { isAuditType } from '../../contracts/audit-types.ts';
import { limitSchema, nextCursorSchema, timeSchema, userIdSchema } from './common.ts';

/** Which entries of the audit log to list. */
export const auditQuerySchema = z.strictObject({
  limit: limitSchema(50),
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'must be the nextCursor of an earlier answer')
    .optional(),
  userId: userIdSchema,
  type: z.string().refine(isAuditType, 'is not a type of entry; see docs/operate.md').optional(),
  since: z.iso.datetime({ offset: true }).optional().describe('Only entries from then on.'),
});

export const auditEntrySchema = z.object({
  id: z.string(),
  at: timeSchema,
  type: z.string().describe('A type of docs/operate.md.'),
  userId: z.guid().nullable().describe('Null if it does not concern a single user.'),
  data: z.record(z.string(), z.unknown()),
});

export const auditPageSchema = z.object({
  entries: z.array(auditEntrySchema).describe('Newest first.'),
  nextCursor: nextCursorSchema,
});
