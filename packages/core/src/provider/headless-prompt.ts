import { z } from 'zod';

import { problemOfSteps, paramsOf, rpcOverSchema, rpcPromptStepSchema } from './rpc-step.ts';
import type { RpcStep } from './rpc-step.ts';
import { placesIn } from './rpc-template.ts';
import { argumentSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';
import { problemOfOpening } from './opening-steps.ts';
import { residentSchema } from './resident.ts';

const projectSlotSchema = z.strictObject({
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

const argvSchema = z
  .array(z.union([argumentSchema, slotSchema]))
  .min(1)
  .max(60);

const flagsSchema = z.array(argumentSchema).max(20);

const projectFlagsSchema = z
  .strictObject({
    ignore: flagsSchema.describe('Flags that make the CLI ignore the settings of a project.'),
    use: flagsSchema.describe('Flags that let it use them. What `cli.hiddenInWork` hides is then not hidden.'),
  })
  .describe(
    "How to ignore or use the settings that a project in the working directory brings. The flags go where `{ slot: 'projectSettings' }` is, which must be there exactly once unless both lists are empty. Left out: a prompt that asks for `use` is refused.",
  )
  .optional();

const commandEscapeSchema = z
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

/** A CLI that takes the prompt on its standard input and prints lines until it ends. */
const linesPromptSchema = z
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
    tools: z
      .strictObject({
        'read-only': flagsSchema.describe('Flags that let the CLI read, and change nothing.'),
        workspace: flagsSchema.describe('Flags that let it change files in the working directory.'),
        full: flagsSchema.describe('Flags that let it do anything on its machine.'),
      })
      .describe("Flags for each tool policy. They go where `{ slot: 'tools' }` is."),
    projectSettings: projectFlagsSchema,
    reloginNeeded: z
      .array(matcherSchema)
      .max(20)
      .describe(
        'Any of these in a line of output means that the vendor refused the login, unless the prompt completes. The prompt then ends with `relogin-needed`.',
      ),
  })
  .superRefine((prompt, context) => {
    for (const name of ['argv', 'resumeArgv'] as const) {
      const problem =
        problemOfPlaces(prompt[name], 'tools', prompt.tools) ??
        problemOfPlaces(prompt[name], 'projectSettings', prompt.projectSettings);
      if (problem !== undefined) context.addIssue({ code: 'custom', path: [name], message: problem });
    }
  });

const stepsSchema = z.array(rpcPromptStepSchema).min(1).max(20);

/** A CLI that is told the prompt over JSON-RPC, and answers in messages. */
const rpcPromptSchema = z
  .strictObject({
    drive: z
      .literal('json-rpc')
      .describe('The CLI speaks JSON-RPC on its standard input and output, one message a line.'),
    argv: z
      .array(z.union([argumentSchema, projectSlotSchema]))
      .min(1)
      .max(60)
      .describe('Arguments that start the CLI in this mode, after the executable.'),
    steps: stepsSchema.describe(
      'What to tell the CLI. Its parameters must have the slots `prompt` and `tools`, and may have `model`.',
    ),
    resumeSteps: stepsSchema
      .describe(
        'Used instead of `steps` to continue a conversation; must have the slot `session` too. Left out: this CLI cannot continue one.',
      )
      .optional(),
    commandEscape: commandEscapeSchema,
    tools: z
      .strictObject({
        'read-only': z.json().describe('JSON that lets the CLI read, and change nothing.'),
        workspace: z.json().describe('JSON that lets it change files in the working directory.'),
        full: z.json().describe('JSON that lets it do anything on its machine.'),
      })
      .describe("The value for each tool policy. It goes where `{ slot: 'tools' }` is."),
    projectSettings: projectFlagsSchema,
    over: z
      .array(rpcOverSchema)
      .min(1)
      .max(10)
      .describe(
        'Any of these in a message means that the answer is complete. The input of the CLI is closed then, and it ends.',
      ),
    resident: residentSchema
      .describe('Keeps the CLI running for the next prompt. Left out: each prompt starts it.')
      .optional(),
    reloginNeeded: z
      .array(matcherSchema)
      .max(20)
      .describe(
        'Any of these in a message or a line of standard error means that the vendor refused the login, unless the prompt completes. The prompt then ends with `relogin-needed`.',
      ),
  })
  .superRefine((prompt, context) => {
    const places = problemOfPlaces(prompt.argv, 'projectSettings', prompt.projectSettings);
    if (places !== undefined) context.addIssue({ code: 'custom', path: ['argv'], message: places });
    for (const name of ['steps', 'resumeSteps'] as const) {
      const problem = problemOfRun(
        prompt[name] ?? [],
        name === 'steps' ? ['prompt', 'tools'] : ['prompt', 'tools', 'session'],
      );
      if (prompt[name] !== undefined && problem !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: problem });
    }
    const problem = prompt.resident && problemOfOpening(prompt.resident.opening, prompt.steps, prompt.resumeSteps);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['resident', 'opening'], message: problem });
  });

export const headlessPromptSchema = z.discriminatedUnion('drive', [linesPromptSchema, rpcPromptSchema]);

export type LinesPrompt = z.infer<typeof linesPromptSchema>;
export type RpcPrompt = z.infer<typeof rpcPromptSchema>;
export type HeadlessPrompt = z.infer<typeof headlessPromptSchema>;

/** Without a place for flags that keep it from something, the CLI would silently run with its default. */
function problemOfPlaces(
  argv: z.infer<typeof argvSchema> | undefined,
  slot: 'tools' | 'projectSettings',
  flags: Readonly<Record<string, readonly string[]>> = {},
): string | undefined {
  if (!argv || Object.values(flags).every(({ length }) => length === 0)) return undefined;
  const places = argv.filter((part) => typeof part === 'object' && part.slot === slot);
  return places.length === 1 ? undefined : `must contain { slot: '${slot}' } exactly once`;
}

/** Without a place for the policy, `read-only` would silently run with the CLI's default. */
function problemOfRun(steps: readonly RpcStep[], needed: readonly string[]): string | undefined {
  const slots = steps
    .flatMap((step) => placesIn(paramsOf(step)))
    .flatMap((place) => ('slot' in place ? [place.slot] : []));
  const missing = needed.find((slot) => !slots.includes(slot));
  if (missing !== undefined) return `must contain { slot: '${missing}' }`;
  return problemOfSteps(steps, ['prompt', 'model', 'session', 'tools']);
}
