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
  .regex(/^[A-Za-z][A-Za-z0-9_./-]*$/, 'must be the name of a JSON-RPC method');

/** JSON with places in it; see `placesIn`. */
const paramsSchema = z
  .record(z.string(), z.json())
  .refine((params) => JSON.stringify(params).length <= 10_000, 'must have at most 10000 characters');

const replyWithinMsSchema = z
  .number()
  .int()
  .min(100)
  .max(30 * 60_000)
  .default(REPLY_WITHIN_MS);

const requestSchema = z.strictObject({
  kind: z.literal('request'),
  method: methodSchema,
  params: paramsSchema.optional(),
  replyWithinMs: replyWithinMsSchema,
});

const notifySchema = z.strictObject({
  kind: z.literal('notify'),
  method: methodSchema,
  params: paramsSchema.optional(),
});

const askSchema = z.strictObject({
  kind: z.literal('ask'),
  prompt: questionSchema,
  /** Sent when there is an answer, which goes where `{ slot: 'answer' }` is. */
  request: requestSchema.omit({ kind: true }),
});

/** One thing to do when the CLI sends something. Steps are not ordered; each fires once. A step's id is also that of its request. */
const commonShape = {
  id: idSchema,
  /** Over one message of the CLI, as `factsOf` writes it. Absent: at the start. */
  when: matcherSchema.optional(),
};

export const rpcLoginStepSchema = z.strictObject({
  ...commonShape,
  do: z.discriminatedUnion('kind', [requestSchema, notifySchema, askSchema]),
});

export const rpcPromptStepSchema = z.strictObject({
  ...commonShape,
  do: z.discriminatedUnion('kind', [requestSchema, notifySchema]),
});

export type RpcStep = z.infer<typeof rpcLoginStepSchema>;

/** A message after which nothing more is to come. */
export const rpcOverSchema = z.strictObject({
  when: matcherSchema,
  /** Only where the value at `at` of the message's parameters is the one in an earlier reply. */
  same: z.strictObject({ at: pointerSchema, as: z.strictObject({ reply: idSchema, at: pointerSchema }) }).optional(),
});

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
      return `uses "${place.at}", which is no JSON pointer`;
  }
  return undefined;
}

export function paramsOf(step: RpcStep): unknown {
  return step.do.kind === 'ask' ? step.do.request.params : step.do.params;
}
