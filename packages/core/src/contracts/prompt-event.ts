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
  z
    .object({ type: z.literal('prompt-start'), promptId: z.string(), provider: z.string() })
    .describe('The first event of every prompt.'),
  z
    .object({
      type: z.literal('machine'),
      state: z.enum(['queued', 'starting', 'waking', 'ready']),
      message: z.string().describe('What to tell the user.'),
    })
    .describe("The prompt waits for its turn, or for the user's machine."),
  z
    .object({ type: z.literal('conversation'), conversationId: z.string() })
    .describe("The CLI's id for this conversation. Send it with the next prompt to continue."),
  z
    .object({ type: z.literal('text'), text: z.string() })
    .describe('A piece of the answer. Concatenate the pieces unchanged.'),
  z.object({ type: z.literal('reasoning'), text: z.string() }).describe("A piece of the model's reasoning."),
  z
    .object({ type: z.literal('tool-start'), toolId: z.string(), name: z.string(), input: z.string() })
    .describe('The CLI calls a tool.'),
  z
    .object({
      type: z.literal('tool-end'),
      toolId: z.string().describe('As in the `tool-start` before it.'),
      name: z.string(),
      output: z.string(),
      ok: z.boolean(),
    })
    .describe('A tool has returned.'),
  z
    .object({ type: z.literal('notice'), message: z.string() })
    .describe(
      'Something worth telling, such as that the CLI tries again, or that the prompt gets fewer tools than it asked for.',
    ),
  z
    .object({ type: z.literal('usage'), inputTokens: z.number(), outputTokens: z.number() })
    .describe('What the vendor says that this prompt used.'),
  z
    .object({
      type: z.literal('prompt-end'),
      outcome: z
        .enum(['completed', 'failed', 'cancelled', 'relogin-needed'])
        .describe('`relogin-needed`: the vendor refused the login, so the user has to connect again.'),
      code: z.string().optional().describe('A code of docs/errors.md; absent if the prompt completed.'),
      message: z.string().optional(),
      hint: z.string().optional(),
    })
    .describe('The last event of every prompt.'),
]);

export type PromptEvent = z.infer<typeof promptEventSchema>;

export const toolPolicySchema = z.enum(['read-only', 'workspace', 'full']);
export type ToolPolicy = z.infer<typeof toolPolicySchema>;

/**
 * Whether a CLI uses the settings that it finds in `~/work`: hooks, MCP servers, helpers. They run with the CLI's login, so
 * anyone who can write there gets what the CLI may do.
 */
export const projectSettingsSchema = z.enum(['ignore', 'use']);
export type ProjectSettings = z.infer<typeof projectSettingsSchema>;
