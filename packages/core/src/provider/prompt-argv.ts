import { z } from 'zod';

import { argumentSchema } from './bounded.ts';

/** What the command line of a prompt is made of, whatever the CLI is then told. */

export const projectSlotSchema = z.strictObject({
  slot: z.literal('projectSettings').describe('The flags of `projectSettings` for what the prompt asks for.'),
});

/** A place in a command line: for a value that may be absent, or for flags that depend on what the prompt may do. */
const slotSchema = z
  .union([
    z.strictObject({
      slot: z
        .enum(['model', 'session'])
        .describe(
          "The model that the prompt names, or the CLI's id of the conversation to continue. Left out of the command line if the prompt has none.",
        ),
      flag: argumentSchema.describe('An argument to put before the value. Left out together with it.').optional(),
    }),
    z.strictObject({ slot: z.literal('tools').describe('The flags of `tools` for the tool policy of the prompt.') }),
    projectSlotSchema,
  ])
  .meta({ id: 'Slot', description: 'A place in a command line, for values and flags that depend on the prompt.' });

export const argvSchema = z
  .array(z.union([argumentSchema, slotSchema]))
  .min(1)
  .max(60);

export const flagsSchema = z.array(argumentSchema).max(20);

export const projectFlagsSchema = z
  .strictObject({
    ignore: flagsSchema.describe('Flags that make the CLI ignore the settings of a project.'),
    use: flagsSchema.describe('Flags that let it use them. What `cli.hiddenInWork` hides is then not hidden.'),
  })
  .describe(
    "How to ignore or use the settings that a project in the working directory brings. The flags go where `{ slot: 'projectSettings' }` is, which must be there exactly once unless both lists are empty. Left out: a prompt that asks for `use` is refused.",
  )
  .optional();

export const commandEscapeSchema = z
  .strictObject({
    beginnings: z.array(z.string().min(1).max(20)).min(1).max(20).describe('How such prompts begin, such as `/`.'),
    prefix: z
      .string()
      .min(1)
      .max(20)
      .describe('Goes before such a prompt, which is then text for the model. Mostly a space.'),
  })
  .refine(({ beginnings, prefix }) => beginnings.every((beginning) => beginning[0] !== prefix[0]), {
    path: ['prefix'],
    message: 'must not begin like a command itself',
  })
  .describe(
    'Keeps the CLI from running a prompt such as `/login` as its own command. Left out: the CLI runs no prompt like that.',
  )
  .optional();

/** Without a place for flags that keep it from something, the CLI would silently run with its default. */
export function problemOfPlaces(
  argv: z.infer<typeof argvSchema> | undefined,
  slot: 'tools' | 'projectSettings',
  flags: Readonly<Record<string, readonly string[]>> = {},
): string | undefined {
  if (!argv || Object.values(flags).every(({ length }) => length === 0)) return undefined;
  const places = argv.filter((part) => typeof part === 'object' && part.slot === slot);
  return places.length === 1 ? undefined : `must contain { slot: '${slot}' } exactly once`;
}
