import { z } from 'zod';

import { argumentSchema, idSchema, methodEnvironmentSchema } from './bounded.ts';
import { questionSchema } from './question.ts';
import { matcherSchema } from './matcher.ts';

/** One thing to do when the screen shows something. Steps are not ordered; each fires once. */
const expectStepSchema = z.strictObject({
  id: idSchema.describe('Names the step in error messages. Unique within the login method.'),
  when: matcherSchema.describe(
    'Looked for on the whole screen. Match the end of the question, so that nothing is typed before all of it is there.',
  ),
  do: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('send').describe('Types a fixed text.'),
        text: z.string().max(100).describe('What to type, such as `y` or `\\r` for Enter.'),
        afterMs: z
          .number()
          .int()
          .min(0)
          .max(2000)
          .describe(
            'Milliseconds to wait before typing. A full-screen CLI may paint a screen before it listens to keys.',
          )
          .default(0),
        repeats: z
          .number()
          .int()
          .min(0)
          .max(5)
          .describe(
            'How often to type it again, every 2 s, while the screen stays exactly as it was when it was typed.',
          )
          .default(0),
      }),
      z.strictObject({
        kind: z
          .literal('ask')
          .describe('Asks the user and types the answer. Asked again if the CLI shows its question again.'),
        prompt: questionSchema.describe('What to ask.'),
        submit: z.string().max(10).describe('Typed after the answer.').default('\r'),
        submitAfterMs: z
          .number()
          .int()
          .min(0)
          .max(2000)
          .describe(
            'Milliseconds between the answer and `submit`. A full-screen CLI may take an Enter that arrives together with a pasted answer as part of it. 0 types both at once.',
          )
          .default(0),
      }),
    ])
    .describe('What to do then.'),
});

export type ExpectStep = z.infer<typeof expectStepSchema>;

/** A CLI in a terminal: the engine reads its screen and types. */
export const terminalDriveSchema = z.strictObject({
  kind: z.literal('terminal').describe('The CLI runs in a terminal: its screen is read, and keys are typed.'),
  argv: z.array(argumentSchema).max(40).describe('Arguments of the login command, after the executable.'),
  env: methodEnvironmentSchema,
  columns: z
    .number()
    .int()
    .min(40)
    .max(4000)
    .describe('Width of the terminal. Wide by default, so that the terminal wraps no link.')
    .default(2000),
  rows: z.number().int().min(10).max(200).describe('Height of the terminal.').default(50),
  steps: z
    .array(expectStepSchema)
    .max(30)
    .describe(
      'What to type, or to ask the user, when the screen shows something. Steps have no order, and each fires once.',
    )
    .default([]),
});
