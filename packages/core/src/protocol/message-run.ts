import { z } from 'zod';

import { lineValueSchema } from '../provider/line-value.ts';
import { promptMessageSchema } from '../provider/lines-prompt.ts';
import { lineResidentRunSchema } from '../provider/resident.ts';

/** A headless run with a CLI that is told the prompt in a line of JSON, as the agent gets it. */
export const messageRunSchema = z.strictObject({
  /** The line, before the prompt is put where `{ slot: 'prompt' }` is. */
  message: promptMessageSchema,
  /** Any of these in a line means that the answer is complete. */
  over: z.array(lineValueSchema).min(1).max(10),
  /** Present where the process may take the next prompt as well. */
  resident: lineResidentRunSchema.optional(),
});

export type MessageRun = z.infer<typeof messageRunSchema>;
