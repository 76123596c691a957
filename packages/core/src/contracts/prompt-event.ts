import { z } from 'zod';

import type { JsonRecord } from '../provider/lenient-json.ts';

/** One line of output from a headless CLI run. */
export type Observation =
  | { readonly type: 'stdout'; readonly line: string }
  | { readonly type: 'stderr'; readonly line: string }
  /** A message from a CLI that speaks JSON-RPC. Ids of replies are those of the manifest's steps. */
  | { readonly type: 'rpc'; readonly message: JsonRecord }
  | { readonly type: 'exit'; readonly code: number | null; readonly signal: string | null };

/** What the user sees of a prompt. Each event is stored with an id and streamed over SSE. */
export const promptEventSchema = z.discriminatedUnion('type', [
  /** First event of every prompt. `machine` says whether the machine had to be started for it. */
  z.object({ type: z.literal('prompt-start'), promptId: z.string(), provider: z.string() }),
  z.object({
    type: z.literal('machine'),
    state: z.enum(['queued', 'starting', 'waking', 'ready']),
    message: z.string(),
  }),
  /** The CLI's id for this conversation. Send it back as `conversationId` to continue. */
  z.object({ type: z.literal('conversation'), conversationId: z.string() }),
  /** A piece of the answer. Concatenate pieces unchanged. */
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('reasoning'), text: z.string() }),
  z.object({ type: z.literal('tool-start'), toolId: z.string(), name: z.string(), input: z.string() }),
  z.object({ type: z.literal('tool-end'), toolId: z.string(), name: z.string(), output: z.string(), ok: z.boolean() }),
  z.object({ type: z.literal('notice'), message: z.string() }),
  z.object({ type: z.literal('usage'), inputTokens: z.number(), outputTokens: z.number() }),
  /** Last event of every prompt. */
  z.object({
    type: z.literal('prompt-end'),
    outcome: z.enum(['completed', 'failed', 'cancelled', 'relogin-needed']),
    code: z.string().optional(),
    message: z.string().optional(),
    hint: z.string().optional(),
  }),
]);

export type PromptEvent = z.infer<typeof promptEventSchema>;

export const toolPolicySchema = z.enum(['read-only', 'workspace', 'full']);
export type ToolPolicy = z.infer<typeof toolPolicySchema>;
