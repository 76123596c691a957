import { z } from 'zod';

import { problemOfSteps, paramsOf, rpcOverSchema, rpcPromptStepSchema } from './rpc-step.ts';
import type { RpcStep } from './rpc-step.ts';
import { placesIn } from './rpc-template.ts';
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
      'read-only': z.array(argumentSchema).max(20),
      workspace: z.array(argumentSchema).max(20),
      full: z.array(argumentSchema).max(20),
    }),
    /** Any of these in an observation means that the user has to log in again. */
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

const stepsSchema = z.array(rpcPromptStepSchema).min(1).max(20);

/** A CLI that is told the prompt over JSON-RPC, and answers in messages. */
const rpcPromptSchema = z
  .strictObject({
    drive: z.literal('json-rpc'),
    /** Arguments after the executable. */
    argv: z.array(argumentSchema).min(1).max(60),
    /** What to tell the CLI; `prompt`, `model`, `session` and `tools` have places in it. */
    steps: stepsSchema,
    /** Used instead of `steps` when a conversation goes on. */
    resumeSteps: stepsSchema.optional(),
    commandEscape: commandEscapeSchema,
    /** What stands for each tool policy where `{ slot: 'tools' }` is. */
    tools: z.strictObject({ 'read-only': z.json(), workspace: z.json(), full: z.json() }),
    /** Any of these in a message means that the answer is complete. The CLI's input is closed then, and it ends. */
    over: z.array(rpcOverSchema).min(1).max(10),
    /** Any of these in an observation means that the user has to log in again. */
    reloginNeeded: z.array(matcherSchema).max(20),
  })
  .superRefine((prompt, context) => {
    for (const name of ['steps', 'resumeSteps'] as const) {
      const problem = problemOfRun(
        prompt[name] ?? [],
        name === 'steps' ? ['prompt', 'tools'] : ['prompt', 'tools', 'session'],
      );
      if (prompt[name] !== undefined && problem !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: problem });
    }
  });

export const headlessPromptSchema = z.discriminatedUnion('drive', [linesPromptSchema, rpcPromptSchema]);

export type LinesPrompt = z.infer<typeof linesPromptSchema>;
export type RpcPrompt = z.infer<typeof rpcPromptSchema>;
export type HeadlessPrompt = z.infer<typeof headlessPromptSchema>;

/** Without a place for the policy, `read-only` would silently run with the CLI's default. */
function problemOfRun(steps: readonly RpcStep[], needed: readonly string[]): string | undefined {
  const slots = steps
    .flatMap((step) => placesIn(paramsOf(step)))
    .flatMap((place) => ('slot' in place ? [place.slot] : []));
  const missing = needed.find((slot) => !slots.includes(slot));
  if (missing !== undefined) return `must contain { slot: '${missing}' }`;
  return problemOfSteps(steps, ['prompt', 'model', 'session', 'tools']);
}
