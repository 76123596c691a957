import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { matcherSchema } from './matcher.ts';
import { argvSchema, commandEscapeSchema, flagsSchema, problemOfPlaces, projectFlagsSchema } from './prompt-argv.ts';
import { lineResidentSchema } from './resident.ts';
import { lineValueSchema } from './line-value.ts';
import { placesIn } from './rpc-template.ts';

const toolFlagsSchema = z
  .strictObject({
    'read-only': flagsSchema.describe('Flags that let the CLI read, and change nothing.'),
    workspace: flagsSchema.describe('Flags that let it change files in the working directory.'),
    full: flagsSchema.describe('Flags that let it do anything on its machine.'),
  })
  .describe("Flags for each tool policy. They go where `{ slot: 'tools' }` is.");

const reloginNeededSchema = z
  .array(matcherSchema)
  .max(20)
  .describe(
    'Any of these in a line of output means that the vendor refused the login, unless the prompt completes. The prompt then ends with `relogin-needed`.',
  );

const startArgvSchema = argvSchema.describe(
  "Arguments after the executable: texts and slots. Must contain `{ slot: 'tools' }` exactly once, unless all flags of `tools` are empty.",
);

const resumeArgvSchema = argvSchema
  .describe('Used instead of `argv` to continue a conversation. Left out: this CLI cannot continue one.')
  .optional();

/** A CLI that takes the prompt on its standard input and prints lines until it ends. */
export const linesPromptSchema = z
  .strictObject({
    drive: z
      .literal('lines')
      .describe('The CLI takes the prompt on its standard input and prints lines until it ends.'),
    argv: argvSchema.describe(
      "Arguments after the executable: texts and slots. Must contain `{ slot: 'tools' }` exactly once, unless all flags of `tools` are empty.",
    ),
    resumeArgv: argvSchema
      .describe('Used instead of `argv` to continue a conversation. Left out: this CLI cannot continue one.')
      .optional(),
    input: z.literal('stdin').describe('Where the prompt goes. It is never an argument.'),
    commandEscape: commandEscapeSchema,
    tools: toolFlagsSchema,
    projectSettings: projectFlagsSchema,
    reloginNeeded: reloginNeededSchema,
  })
  .superRefine(checkPlaces);

/** A line for a CLI, with one place for the prompt. */
export const promptMessageSchema = z
  .record(z.string(), z.json())
  .refine((message) => JSON.stringify(message).length <= 10_000, 'must have at most 10000 characters as JSON')
  .refine(
    (message) =>
      placesIn(message).length === 1 && placesIn(message).every((place) => 'slot' in place && place.slot === 'prompt'),
    "must contain { slot: 'prompt' } exactly once, and no other place",
  )
  .describe('The line that tells the CLI the prompt, any JSON. `{ "slot": "prompt" }` in it stands for the prompt.');

/** A CLI that takes messages on its standard input, so that it can take another once it has answered. */
export const jsonLinesPromptSchema = z
  .strictObject({
    drive: z
      .literal('json-lines')
      .describe('The CLI takes the prompt as a line of JSON, and says in a line of JSON when its answer is complete.'),
    argv: startArgvSchema,
    resumeArgv: resumeArgvSchema,
    message: promptMessageSchema,
    commandEscape: commandEscapeSchema,
    tools: toolFlagsSchema,
    projectSettings: projectFlagsSchema,
    over: z
      .array(lineValueSchema)
      .min(1)
      .max(10)
      .describe(
        'Any of these in a line means that the answer is complete. The input of the CLI is closed then, and it ends.',
      ),
    resident: lineResidentSchema
      .describe(
        'Keeps the CLI running for the next prompt of the same conversation. It must print a line before it runs anything for a prompt: what runs by then may stay. `resumeArgv` must be `argv` with the conversation added. Left out: each prompt starts it.',
      )
      .optional(),
    reloginNeeded: reloginNeededSchema,
  })
  .superRefine((prompt, context) => {
    checkPlaces(prompt, context);
    if (prompt.resident && prompt.resumeArgv && !isSameStart(prompt.argv, prompt.resumeArgv))
      context.addIssue({
        code: 'custom',
        path: ['resumeArgv'],
        message: "must be `argv` with { slot: 'session' } added, since a process stays for both",
      });
  });

export type LinesPrompt = z.infer<typeof linesPromptSchema>;
export type JsonLinesPrompt = z.infer<typeof jsonLinesPromptSchema>;

type Argv = z.infer<typeof argvSchema>;

function checkPlaces(
  prompt: {
    readonly argv: Argv;
    readonly resumeArgv?: Argv | undefined;
    readonly tools: z.infer<typeof toolFlagsSchema>;
    readonly projectSettings?: z.infer<typeof projectFlagsSchema>;
  },
  context: z.RefinementCtx,
): void {
  for (const name of ['argv', 'resumeArgv'] as const) {
    const problem =
      problemOfPlaces(prompt[name], 'tools', prompt.tools) ??
      problemOfPlaces(prompt[name], 'projectSettings', prompt.projectSettings);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [name], message: problem });
  }
}

function isSameStart(argv: Argv, resumeArgv: Argv): boolean {
  const withoutSession = resumeArgv.filter((part) => typeof part === 'string' || part.slot !== 'session');
  return isDeepStrictEqual(argv, withoutSession);
}
