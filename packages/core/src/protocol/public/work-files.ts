import { z } from 'zod';

import { workDirectorySchema, workEntrySchema, workFilePathSchema } from '../work-files.ts';
import { limitSchema, nextCursorSchema, timeSchema, userIdSchema } from './common.ts';

/** Which entries of a directory to list. */
export const workFileListQuerySchema = z.strictObject({
  userId: userIdSchema,
  path: workDirectorySchema.default('').describe('A directory below `~/work`, such as `src/lib`. Default: `~/work`.'),
  limit: limitSchema(100),
  cursor: z
    .string()
    .max(1024)
    .transform((text, context): string => {
      const name = decodeFileCursor(text);
      if (workEntrySchema.shape.name.safeParse(name).success && encodeFileCursor(name) === text) return name;
      context.addIssue({ code: 'custom', message: 'must be the nextCursor of an earlier answer of this list' });
      return z.NEVER;
    })
    .optional(),
});

export const workFileQuerySchema = z.strictObject({
  userId: userIdSchema,
  path: workFilePathSchema.describe('A file below `~/work`, such as `src/main.ts`.'),
});

export const workFileSchema = workEntrySchema
  .extend({ modifiedAt: timeSchema })
  .describe('A file or directory that a machine has in `~/work`.');

export const workFileListSchema = z.object({
  items: z.array(workFileSchema).describe('In the order of their names.'),
  nextCursor: nextCursorSchema,
});

/** Opaque to clients: base64url of the name of the last entry. */
export function encodeFileCursor(name: string): string {
  return Buffer.from(name).toString('base64url');
}

function decodeFileCursor(text: string): string {
  return Buffer.from(text, 'base64url').toString();
}
