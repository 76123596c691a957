import { z } from 'zod';

import { argumentSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';
import { problemOfOpening } from './opening-steps.ts';
import { commandEscapeSchema, problemOfPlaces, projectFlagsSchema, projectSlotSchema } from './prompt-argv.ts';
import { residentSchema } from './resident.ts';
import { paramsOf, problemOfSteps, rpcOverSchema, rpcPromptStepSchema } from './rpc-step.ts';
import type { RpcStep } from './rpc-step.ts';
import { placesIn } from './rpc-template.ts';

const stepsSchema = z.array(rpcPromptStepSchema).min(1).max(20);

/** A CLI that is told the prompt over JSON-RPC, and answers in messages. */
export const rpcPromptSchema = z
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

export type RpcPrompt = z.infer<typeof rpcPromptSchema>;

/** Without a place for the policy, `read-only` would silently run with the CLI's default. */
function problemOfRun(steps: readonly RpcStep[], needed: readonly string[]): string | undefined {
  const slots = steps
    .flatMap((step) => placesIn(paramsOf(step)))
    .flatMap((place) => ('slot' in place ? [place.slot] : []));
  const missing = needed.find((slot) => !slots.includes(slot));
  if (missing !== undefined) return `must contain { slot: '${missing}' }`;
  return problemOfSteps(steps, ['prompt', 'model', 'session', 'tools']);
}
