import { z } from 'zod';

import { jsonLinesPromptSchema, linesPromptSchema } from './lines-prompt.ts';
import { rpcPromptSchema } from './rpc-prompt.ts';

/** How a CLI is told a prompt, and answers it. */
export const headlessPromptSchema = z.discriminatedUnion('drive', [
  linesPromptSchema,
  jsonLinesPromptSchema,
  rpcPromptSchema,
]);

export type HeadlessPrompt = z.infer<typeof headlessPromptSchema>;
