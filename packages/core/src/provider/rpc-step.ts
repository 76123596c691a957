import { z } from 'zod';

import { idSchema, isUnique, pointerSchema } from './bounded.ts';
import { questionSchema } from './question.ts';
import { matcherSchema } from './matcher.ts';
import { placesIn } from './rpc-template.ts';

/** How long a CLI may take to answer a request, where a step says nothing else. */
const REPLY_WITHIN_MS = 30_000;

const methodSchema = z
  .string()
  .max(100)
  .regex(/^[A-Za-z][A-Za-z0-9_./-]*$/, 'must be the name of a JSON-RPC method')
  .describe('JSON-RPC method.');

/** JSON with places in it; see `placesIn`. */
const paramsSchema = z
  .record(z.string(), z.json())
  .refine((params) => JSON.stringify(params).length <= 10_000, 'must have at most 10000 characters as JSON')
  .describe(
    'Parameters, any JSON. `{ "slot": NAME }` in it stands for a value: `answer` in the request of an `ask` step; `prompt`, `model`, `session` and `tools` in a prompt. `{ "reply": ID, "at": POINTER }` stands for the value at a JSON pointer in the reply to an earlier step. A member whose value is absent is left out.',
  );

const replyWithinMsSchema = z
  .number()
  .int()
  .min(100)
  .max(30 * 60_000)
  .describe('Milliseconds that the CLI has to answer. Without an answer, the login or the run fails.')
  .default(REPLY_WITHIN_MS);

const requestSchema = z.strictObject({
  kind: z
    .literal('request')
    .describe("Sends a request, whose id is the step's. An error in reply to it ends the login or the run."),
  method: methodSchema,
  params: paramsSchema.optional(),
  replyWithinMs: replyWithinMsSchema,
});

const notifySchema = z.strictObject({
  kind: z.literal('notify').describe('Sends a notification, which has no reply.'),
  method: methodSchema,
  params: paramsSchema.optional(),
});

const askSchema = z.strictObject({
  kind: z.literal('ask').describe('Asks the user, then sends `request`.'),
  prompt: questionSchema.describe('What to ask.'),
  request: requestSchema
    .omit({ kind: true })
    .describe("Request to send once there is an answer. The answer goes where `{ slot: 'answer' }` is."),
});

/** One thing to do when the CLI sends something. Steps are not ordered; each fires once. A step's id is also that of its request. */
const commonShape = {
  id: idSchema.describe('Names the step, and is the id of its request. Unique among the steps.'),
  when: matcherSchema
    .describe('Looked for in each message of the CLI, written as lines. Left out: the step is taken at the start.')
    .optional(),
};

export const rpcLoginStepSchema = z.strictObject({
  ...commonShape,
  do: z.discriminatedUnion('kind', [requestSchema, notifySchema, askSchema]).describe('What to do then.'),
});

export const rpcPromptStepSchema = z
  .strictObject({
    ...commonShape,
    do: z.discriminatedUnion('kind', [requestSchema, notifySchema]).describe('What to do then.'),
  })
  .meta({
    id: 'RpcStep',
    description: 'One thing to tell a CLI over JSON-RPC. Steps have no order, and each fires once.',
  });

export type RpcStep = z.infer<typeof rpcLoginStepSchema>;

/** A message after which nothing more is to come. */
export const rpcOverSchema = z
  .strictObject({
    when: matcherSchema.describe('Looked for in each message of the CLI, written as lines.'),
    same: z
      .strictObject({
        at: pointerSchema.describe("JSON pointer into the message's parameters."),
        as: z
          .strictObject({
            reply: idSchema.describe('Id of the step that asked.'),
            at: pointerSchema.describe('JSON pointer into its result.'),
          })
          .describe('The value in the reply to an earlier step.'),
      })
      .describe(
        'Makes the message count only if one of its parameters equals a value of an earlier reply, such as the id of the conversation.',
      )
      .optional(),
  })
  .meta({ id: 'RpcEnd', description: 'A message after which nothing more comes.' });

/** What is wrong with the steps of a conversation; `undefined` where nothing is. */
export function problemOfSteps(steps: readonly RpcStep[], slots: readonly string[]): string | undefined {
  if (!isUnique(steps.map((step) => step.id))) return 'has two steps with the same id';
  const asked = new Set(steps.flatMap((step) => (step.do.kind === 'notify' ? [] : [step.id])));
  for (const place of steps.flatMap((step) => placesIn(paramsOf(step)))) {
    if ('slot' in place && !slots.includes(place.slot))
      return `has a place for "${place.slot}", which is not one of ${slots.join(', ')}`;
    if ('reply' in place && !asked.has(place.reply))
      return `uses the reply to "${place.reply}", which no step asks for`;
    if ('reply' in place && !pointerSchema.safeParse(place.at).success)
      return `uses "${place.at}", which is not a JSON pointer`;
  }
  return undefined;
}

export function paramsOf(step: RpcStep): unknown {
  return step.do.kind === 'ask' ? step.do.request.params : step.do.params;
}
