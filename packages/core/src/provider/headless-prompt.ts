import { z } from 'zod';

import { argumentSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

/** A place in a command line: for a value that may be absent, or for the flags of the tool policy. */
const slotSchema = z.union([
  z.strictObject({
    slot: z.enum(['model', 'session']),
    /** Put in front of the value, as an argument of its own; both vanish when the value is absent. */
    flag: argumentSchema.optional(),
  }),
  z.strictObject({ slot: z.literal('tools') }),
]);

const argvSchema = z
  .array(z.union([argumentSchema, slotSchema]))
  .min(1)
  .max(60);

export const headlessPromptSchema = z
  .strictObject({
    drive: z.literal('lines'),
    /** Arguments after the executable; see `buildArgv`. */
    argv: argvSchema,
    /** Used instead of `argv` when a conversation goes on. */
    resumeArgv: argvSchema.optional(),
    input: z.literal('stdin'),
    /** Flags for each tool policy, put where `{ slot: 'tools' }` is. */
    tools: z.strictObject({
      'read-only': z.array(argumentSchema).max(20),
      workspace: z.array(argumentSchema).max(20),
      full: z.array(argumentSchema).max(20),
    }),
    /** Any of these in an observation means that the person has to log in again. */
    reloginNeeded: z.array(matcherSchema).max(20),
  })
  .superRefine((prompt, context) => {
    // Without a place, `read-only` would silently run with the CLI's default.
    if (Object.values(prompt.tools).every((flags) => flags.length === 0)) return;
    for (const name of ['argv', 'resumeArgv'] as const) {
      const places = prompt[name]?.filter((part) => typeof part === 'object' && part.slot === 'tools');
      if (places === undefined || places.length === 1) continue;
      context.addIssue({ code: 'custom', path: [name], message: "must contain { slot: 'tools' } exactly once" });
    }
  });

export type HeadlessPrompt = z.infer<typeof headlessPromptSchema>;
