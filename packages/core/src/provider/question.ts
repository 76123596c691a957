import { z } from 'zod';

import { idSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

/** A question of the CLI that a user or a plugin may have to answer. */
export const questionSchema = z.strictObject({
  id: idSchema,
  /** What the page shows above the field. */
  label: z.string().min(1).max(200),
  kind: z.enum(['code', 'text', 'choice']),
  /** True keeps the answer out of hooks and logs. */
  secret: z.boolean(),
  /** For `choice`: what is shown and what is typed. */
  choices: z
    .array(z.strictObject({ label: z.string().max(200), send: z.string().max(100) }))
    .max(20)
    .optional(),
  /** What every right answer looks like: any other is refused, and the CLI never sees it. */
  shape: matcherSchema.optional(),
  /** What to paste, shown after a refused answer. */
  example: z.string().min(1).max(200).optional(),
});

export type Question = z.infer<typeof questionSchema>;
