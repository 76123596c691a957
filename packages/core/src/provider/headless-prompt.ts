import { z } from 'zod';

import { problemOfSteps, paramsOf, rpcOverSchema, rpcPromptStepSchema } from './rpc-step.ts';
import type { RpcStep } from './rpc-step.ts';
import { placesIn } from './rpc-template.ts';
import { argumentSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';
import { problemOfOpening } from './opening-steps.ts';
import { residentSchema } from './resident.ts';

const projectSlotSchema = z.strictObject({ slot: z.literal('projectSettings') });

/** A place in a command line: for a value that may be absent, or for flags that depend on what the prompt may do. */
const slotSchema = z.union([
  z.strictObject({
    slot: z.enum(['model', 'session']),
    /** Put in front of the value, as an argument of its own; both vanish when the value is absent. */
    flag: argumentSchema.optional(),
  }),
  z.strictObject({ slot: z.literal('tools') }),
  projectSlotSchema,
]);

const argvSchema = z
  .array(z.union([argumentSchema, slotSchema]))
  .min(1)
  .max(60);

const flagsSchema = z.array(argumentSchema).max(20);

/**
 * Flags that make the CLI ignore or use the settings of a project, put where `{ slot: 'projectSettings' }` is. With `use`,
 * the CLI also sees what `cli.hiddenInWork` hides. Absent: a prompt that asks for `use` is refused.
 */
const projectFlagsSchema = z.strictObject({ ignore: flagsSchema, use: flagsSchema }).optional();

/** Keeps a CLI from running a prompt such as `/login` as a command. Absent: the CLI runs no prompt so. */
const commandEscapeSchema = z
  .strictObject({
    /** How such prompts begin. */
    beginnings: z.array(z.string().min(1).max(20)).min(1).max(20),
    /** Put before the prompt, which is then text for the model. Mostly a space. */
    prefix: z.string().min(1).max(20),
  })
  .refine(({ beginnings, prefix }) => beginnings.every((beginning) => beginning[0] !== prefix[0]), {
    path: ['prefix'],
    message: 'must not begin like a command itself',
  })
  .optional();

/** A CLI that takes the prompt on its standard input and prints lines until it ends. */
const linesPromptSchema = z
  .strictObject({
    drive: z.literal('lines'),
    /** Arguments after the executable; see `buildArgv`. */
    argv: argvSchema,
    /** Used instead of `argv` when a conversation goes on. */
    resumeArgv: argvSchema.optional(),
    input: z.literal('stdin'),
    commandEscape: commandEscapeSchema,
    /** Flags for each tool policy, put where `{ slot: 'tools' }` is. */
    tools: z.strictObject({
      'read-only': flagsSchema,
      workspace: flagsSchema,
      full: flagsSchema,
    }),
    projectSettings: projectFlagsSchema,
    /** Any of these in an observation means that the user has to log in again. */
    reloginNeeded: z.array(matcherSchema).max(20),
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
    drive: z.literal('json-rpc'),
    /** Arguments after the executable. */
    argv: z
      .array(z.union([argumentSchema, projectSlotSchema]))
      .min(1)
      .max(60),
    /** What to tell the CLI; `prompt`, `model`, `session` and `tools` have places in it. */
    steps: stepsSchema,
    /** Used instead of `steps` when a conversation goes on. */
    resumeSteps: stepsSchema.optional(),
    commandEscape: commandEscapeSchema,
    /** What stands for each tool policy where `{ slot: 'tools' }` is. */
    tools: z.strictObject({ 'read-only': z.json(), workspace: z.json(), full: z.json() }),
    projectSettings: projectFlagsSchema,
    /** Any of these in a message means that the answer is complete. The CLI's input is closed then, and it ends. */
    over: z.array(rpcOverSchema).min(1).max(10),
    /** Keeps the CLI running for the next prompt. Absent: each prompt starts it. */
    resident: residentSchema.optional(),
    /** Any of these in an observation means that the user has to log in again. */
    reloginNeeded: z.array(matcherSchema).max(20),
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
