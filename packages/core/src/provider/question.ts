import { z } from 'zod';

import { idSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

/** A question of the CLI that a user or a plugin may have to answer. */
export const questionSchema = z
  .strictObject({
    id: idSchema.describe(
      "Names the question in events and hooks. If it is the id of a credential item with `from: 'user'`, the answer is that item's value.",
    ),
    label: z.string().min(1).max(200).describe('What the page shows above the field.'),
    kind: z
      .enum(['code', 'text', 'choice'])
      .describe(
        'A `code` from the sign-in page, a `text`, or one of `choices`. A terminal login fails if the CLI shows no reaction to a `code` for 30 s.',
      ),
    secret: z.boolean().describe('True hides what the user types and keeps the answer out of hooks and logs.'),
    choices: z
      .array(
        z.strictObject({
          label: z.string().max(200).describe('What the page shows.'),
          send: z.string().max(100).describe('What the CLI gets. May be empty: then only `submit` is typed.'),
        }),
      )
      .max(20)
      .describe('For `choice`: the answers to choose from.')
      .optional(),
    shape: matcherSchema
      .describe(
        'What every valid answer matches. Any other is refused and never reaches the CLI, and the question stays.',
      )
      .optional(),
    example: z.string().min(1).max(200).describe('What to paste, shown after a refused answer.').optional(),
  })
  .meta({ id: 'Question', description: 'A question of the CLI that the user, or a plugin, answers.' });

export type Question = z.infer<typeof questionSchema>;
