import { z } from 'zod';

import { argumentSchema, environmentNameSchema, idSchema } from './bounded.ts';
import { questionSchema } from './question.ts';
import { matcherSchema } from './matcher.ts';

/** One thing to do when the screen shows something. Steps are not ordered; each fires once. */
const expectStepSchema = z.strictObject({
  id: idSchema,
  when: matcherSchema,
  do: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('send'),
      text: z.string().max(100),
      /** How long to wait before typing. A full-screen CLI may paint a screen before it listens to keys. */
      afterMs: z.number().int().min(0).max(2000).default(0),
      /** How often to type it again while the screen stays exactly as it was when it was typed. */
      repeats: z.number().int().min(0).max(5).default(0),
    }),
    z.strictObject({
      kind: z.literal('ask'),
      prompt: questionSchema,
      submit: z.string().max(10).default('\r'),
      /** A full-screen CLI takes an Enter that arrives together with a pasted answer for a part of it. */
      submitAfterMs: z.number().int().min(0).max(2000).default(0),
    }),
  ]),
});

export type ExpectStep = z.infer<typeof expectStepSchema>;

/** A CLI in a terminal: the engine reads its screen and types. */
export const terminalDriveSchema = z.strictObject({
  kind: z.literal('terminal'),
  argv: z.array(argumentSchema).max(40),
  /** Variables for this method only, on top of those of `cli.env`. */
  env: z.record(environmentNameSchema, z.string().max(500)).optional(),
  columns: z.number().int().min(40).max(4000).default(2000),
  rows: z.number().int().min(10).max(200).default(50),
  steps: z.array(expectStepSchema).max(30).default([]),
});
